// Everything that a person signs in with, in one place: phones, authenticator apps, recovery codes, a pass.

import { anotherScreen } from "./another-screen.js";
import { activeAccounts, goBack, goInto } from "./app.js";
import { codesScreen } from "./codes-screen.js";
import { button, h, hold } from "./dom.js";
import { setState, show, stands } from "./stage.js";
import { totpScreen } from "./totp-screen.js";
import { compareScreen, removeScreen, renameScreen } from "./way-change.js";
import { isShown, wayItem, works } from "./way-item.js";
import { faultWords, reasonOf } from "./ways-steps.js";
import { ways } from "./ways.js";
import { t } from "./words.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").Way} Way */

/** Reasons that are worth more words than that there is no list now. */
const SAID = ["gone", "locked", "protected", "busy"];

/** Shows the overview. @param {string} deviceId the account's */
export function waysScreen(deviceId) {
  const account = activeAccounts().find((one) => one.deviceId === deviceId);
  if (!account) return goBack("home");
  const all = h("div", { class: "part" });
  const screen = {
    name: "ways",
    state: "looking",
    title: [t("ways.title")],
    body: [h("p", { class: "quiet" }, h("bdi", {}, account.user), ", ", h("bdi", {}, account.company)), all],
    actions: [button("back", "second", t("back"), () => goBack("account", deviceId))],
  };
  show(screen);
  fill(account, all, screen);
}

/** @param {Account} account @param {HTMLElement} place @param {import("./stage.js").Screen} screen */
async function fill(account, place, screen) {
  setState("looking");
  place.replaceChildren(h("p", { class: "quiet" }, t("ways.fetching")));
  const answer = await ways(account).then((found) => ({ found }), (fault) => ({ fault }));
  if (!stands(screen)) return;
  const isThere = "found" in answer;
  place.replaceChildren(...(isThere ? parts(account, answer.found)
    : [h("p", { id: "fault", class: "warning" }, missing(answer.fault)),
      button("refetch", "second", t("ways.refetch"), () => fill(account, place, screen))]));
  setState(isThere ? "listed" : reasonOf(answer.fault));
  hold(place); // it came under the finger
}

/** Why there is no list. @param {unknown} fault */
const missing = (fault) => (SAID.includes(reasonOf(fault)) ? faultWords(fault) : t("ways.offline"));

/** @param {Account} account @param {Way[]} found */
function parts(account, found) {
  /** @param {(way: Way) => void} step */
  const then = (step) => (/** @type {Way} */ way) => goInto(() => step(way));
  const doing = {
    compare: then((way) => compareScreen(account, way)),
    rename: then((way) => renameScreen(account, way)),
    remove: then((way) => removeScreen(account, way, found)),
  };
  /** @param {Way["kind"]} kind */
  const of = (kind) => found.filter((way) => way.kind === kind && isShown(way));
  /** @param {Way["kind"]} kind */
  const items = (kind) => of(kind).map((way) => wayItem(way, account, doing));
  const passes = items("access_pass");
  const hasCodes = of("recovery_codes").some(works);
  return [
    part("phones", items("phone"),
      button("add-phone", "second", t("ways.add-phone"), () => goInto(() => anotherScreen(account)))),
    part("apps", items("totp"),
      button("add-app", "second", t("ways.add-app"), () => goInto(() => totpScreen(account)))),
    part("codes", items("recovery_codes"),
      button("make-codes", "second", t("ways.make-codes"), () => goInto(() => codesScreen(account, hasCodes)))),
    ...(passes.length > 0 ? [part("passes", passes)] : []),
  ];
}

/**
 * @param {"phones" | "apps" | "codes" | "passes"} id
 * @param {HTMLElement[]} items
 * @param {HTMLElement} [add] the button that adds one
 */
function part(id, items, add) {
  const hasWords = id === "apps" || id === "codes";
  return h("section", { class: "part", "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, t(`ways.${id}`)),
    items.length > 0 ? h("ul", { id, class: "list", role: "list" }, items)
      : hasWords && h("p", { class: "quiet" }, t(`ways.no-${id}`)),
    add);
}

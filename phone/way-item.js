// One thing that a person signs in with, in words, and what can be done with it.

import { serverNow } from "./app.js";
import { button, h } from "./dom.js";
import { ago, moment, t } from "./words.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").Way} Way */

/** How many recovery codes a set has. */
const SET = 10;

/** What it is called where it has no name. */
const NAMES = {
  phone: "enroll.default", totp: "ways.app", recovery_codes: "ways.codes", access_pass: "ways.pass-name",
};

/** @param {Way} way */
export const nameOf = ({ kind, name }) => name ?? t(NAMES[kind]);

/** Whether it is of any use to look at: a pass that is over is not. @param {Way} way */
export const isShown = ({ kind, status }) => kind !== "access_pass" || status === "active" || status === "not-yet";

/** Whether it lets its person in now. @param {Way} way */
export const works = ({ status, left }) => status === "active" && left !== 0;

/**
 * How it is, in words.
 * @param {Way} way
 * @param {Account} account of this phone
 * @returns {string[]}
 */
export function linesOf(way, account) {
  const { kind, status, left, createdAt, lastUsedAt } = way;
  const now = serverNow(account);
  if (kind === "access_pass") return [passLine(way)];
  if (kind === "recovery_codes" && (left === 0 || status === "over")) return [t("ways.left-none")];
  if (status === "over" || status === "unreadable") return [t("ways.over")];
  if (status === "not-yet") return [t("ways.future")];
  if (status === "unconfirmed") return [t(kind === "phone" ? "account.unconfirmed" : "ways.unfinished")];
  const used = lastUsedAt === null ? t("account.unused") : t("account.used", { when: ago(lastUsedAt, now) });
  if (kind === "phone") return way.id === account.deviceId ? [t("account.this"), used] : [used];
  const added = t("ways.added", { when: ago(createdAt, now) });
  if (kind === "totp") return [used, added];
  return left === null ? [added] : [t("ways.left", { left, all: Math.max(SET, left) }), added];
}

/** @param {Way} way */
function passLine({ status, startsAt, expiresAt }) {
  if (status === "over" || status === "unconfirmed") return t("ways.over");
  const when = expiresAt === null ? "" : moment(expiresAt, "short");
  if (status === "active") return when ? t("ways.until", { when }) : t("ways.no-limit");
  return when && startsAt !== null ? t("ways.from", { from: moment(startsAt, "short"), when }) : t("ways.future");
}

/** @typedef {Record<"compare" | "rename" | "remove", (way: Way) => void>} Doing */

/** @param {Way} way @param {Account} account @param {Doing} doing */
export function wayItem(way, account, { compare, rename, remove }) {
  const { id, kind, status } = way;
  const name = nameOf(way);
  const isWaiting = kind === "phone" && status === "unconfirmed";
  const canCompare = isWaiting && id !== account.deviceId;
  // There is one set of codes, which stands below a heading that says so.
  const [first, ...more] = kind === "recovery_codes" ? linesOf(way, account) : [name, ...linesOf(way, account)];
  return h("li", { class: "phone", "data-way": id, "data-kind": kind, "data-status": status },
    h("strong", {}, h("bdi", {}, first)), more.map((line) => h("span", { class: "quiet" }, line)),
    h("div", { class: "doing" },
      canCompare && button(`compare-${id}`, "second", t("ways.compare"), () => compare(way)),
      kind === "phone" && !isWaiting
        && named(button(`rename-${id}`, "plain", t("ways.rename"), () => rename(way)), "ways.rename-named", name),
      named(button(`remove-${id}`, "plain danger", t("ways.remove"), () => remove(way)), "ways.remove-named", name)));
}

/** Says which one a button is for. @param {Element} button @param {string} key @param {string} name */
function named(button, key, name) {
  button.setAttribute("aria-label", t(key, { name }));
  return button;
}

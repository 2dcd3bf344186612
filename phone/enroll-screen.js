// Adding this phone: the pasted link, its name, and what can go wrong. The token lives only in these screens, never in
// the address.

import { go, goBack, reload } from "./app.js";
import { Offline, Problem } from "./api.js";
import { StorageFault } from "./database.js";
import { MOST_CHARACTERS, nameFault } from "./device-name.js";
import { busy, button, field, h, mark, say } from "./dom.js";
import { enroll, readLink } from "./enrollment.js";
import { defaultDeviceName, isIphoneInBrowser } from "./platform.js";
import "./ready-screen.js"; // what comes next is there before the token is spent
import { company, setState, show } from "./stage.js";
import { t } from "./words.js";

/** The reasons that have words of their own, by the server's code. @type {Record<string, string>} */
const FAILURES = {
  "enrollment-gone": "gone",
  "too-many-devices": "too-many",
  "device-exists": "exists",
  "too-many-failures": "busy",
  unavailable: "busy",
  overloaded: "busy",
};

/** Failures after which the same token may still be good. */
const WORTH_TRYING = ["offline", "busy", "too-many", "storage"];

/**
 * Goes on with a link that was opened, scanned or pasted.
 * @param {string} text
 * @param {() => void} unknown called where it is no such link
 */
export function useLink(text, unknown) {
  const link = readLink(text);
  if (link === null) unknown();
  else if ("elsewhere" in link) failedScreen("elsewhere", { origin: link.elsewhere });
  else if (isIphoneInBrowser()) go("install", text);
  else go("enroll", link.token);
}

/** Goes on with a link that was opened. @param {string} text */
export const linkScreen = (text) => useLink(text, () => pasteScreen(t("paste.unknown")));

/** A link that comes by the clipboard. @param {string} [wrong] what was wrong with the last */
export function pasteScreen(wrong = "") {
  const hint = t("paste.hint", { origin: location.origin });
  const link = field("link", { label: t("paste.label"), hint }, {
    type: "text", inputmode: "url", autocomplete: "off", autocapitalize: "none", autocorrect: "off",
    spellcheck: "false",
  });
  const next = button("next", "primary", t("paste.next"), () => {
    const text = link.input.value.trim();
    if (text) useLink(text, () => link.complain(t("paste.unknown")));
    else link.complain(t("paste.empty"));
  });
  link.input.addEventListener("keydown", (event) => { if (event.key === "Enter") next.click(); });
  show({
    name: "paste",
    title: [t("paste.title")],
    body: [link.node],
    actions: [next, button("back", "plain", t("back"), () => goBack("home"))],
    focus: link.input,
  });
  if (wrong) link.complain(wrong);
}

/** Asks for the phone's name, and adds it. @param {string} token */
export function enrollScreen(token) {
  const name = field("device-name", { label: t("enroll.name"), hint: t("enroll.name-hint") },
    { maxlength: MOST_CHARACTERS, autocomplete: "off", spellcheck: "false", enterkeyhint: "done" });
  name.input.value = defaultDeviceName() || t("enroll.default");
  const add = button("enroll", "primary", t("enroll.add"), () => submit());
  const submit = () => {
    const wrong = nameFault(name.input.value.trim());
    name.complain(wrong);
    if (!wrong) busy(add, t("enroll.adding"), () => addPhone(token, name.input.value.trim()));
  };
  name.input.addEventListener("keydown", (event) => { if (event.key === "Enter") add.click(); });
  show({
    name: "enroll",
    title: [t("enroll.title")],
    body: [h("p", { id: "what" }, say("enroll.text", { company })), name.node],
    actions: [add, button("back", "plain", t("back"), () => go("home"))],
  });
}

/** @param {string} token @param {string} name */
async function addPhone(token, name) {
  setState("adding");
  try {
    const account = await enroll(token, name);
    await reload();
    go(account.status === "active" ? "ready" : "unconfirmed", account);
  } catch (error) {
    const code = error instanceof Problem ? error.code : String(error);
    failedScreen(reasonOf(error), { code }, () => enrollScreen(token));
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  if (error instanceof Offline) return "offline";
  if (error instanceof StorageFault) return "storage";
  return (error instanceof Problem && FAILURES[error.code]) || "refused";
}

/**
 * Says why this phone was not added.
 * @param {string} reason
 * @param {{origin?: string, code?: string}} details
 * @param {() => void} [again]
 */
function failedScreen(reason, { origin = "", code = "" }, again) {
  const isWorth = again && WORTH_TRYING.includes(reason);
  const shape = reason === "offline" ? "offline" : "warn";
  show({
    name: "enroll-failed",
    state: reason,
    title: [t(`failed.${reason}.title`)],
    body: [h("div", { class: "result" }, mark(shape, "warn"), h("p", {}, say(`failed.${reason}.text`, { origin })),
      code && reason !== "offline" && h("p", { class: "code" }, t("code", { code })))],
    actions: [isWorth && button("again", "primary", t("again"), again),
      button("done", isWorth ? "second" : "primary", t("back"), () => go("home"))],
  });
}

/** On an iPhone: first to the Home Screen. Spends nothing. @param {string} [link] */
export function installScreen(link) {
  const copied = h("p", { id: "copied", class: "quiet", role: "status" });
  const copy = async () => {
    const done = await navigator.clipboard.writeText(link ?? "").then(() => true, () => false);
    copied.textContent = t(done ? "install.copied" : "install.not-copied");
    setState(done ? "copied" : "not-copied");
  };
  show({
    name: "install",
    title: [t("install.title")],
    body: [
      h("p", {}, t("install.text")),
      h("ol", { class: "steps", role: "list" },
        h("li", {}, h("span", {}, t("install.share")), mark("share")),
        h("li", {}, h("span", {}, t("install.add"))),
        h("li", {}, h("span", {}, t("install.open")))),
      link ? h("p", { class: "quiet" }, t("install.unspent")) : null,
    ],
    actions: link ? [copied, button("copy", "primary", t("install.copy"), copy)] : [],
  });
}

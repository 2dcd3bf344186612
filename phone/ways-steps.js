// What the steps from the overview have in common: the way back, copying, waiting, and what can go wrong.

import { goBack } from "./app.js";
import { Offline, Problem, isGone } from "./api.js";
import { button, h, mark } from "./dom.js";
import { setState, show, stands } from "./stage.js";
import { span, t } from "./words.js";

/** @typedef {import("./types").Account} Account */

/** The server's refusals that have words of their own. @type {Record<string, string>} */
const REASONS = {
  "account-locked": "locked",
  "role-not-allowed": "protected",
  "too-many-authenticators": "too-many",
  "too-many-devices": "too-many",
  "too-many-failures": "busy",
  unavailable: "busy",
  overloaded: "busy",
  "not-found": "missing",
};

const MINUTE = 60_000;

/** A server that is short of breath asks for a shorter wait than this, in milliseconds. */
const LONG_WAIT = 5_000;

/** Reasons for which the same may work the next time. */
const WORTH_TRYING = ["offline", "busy", "refused"];

/** Why something did not work, as the keys of the words name it. @param {unknown} fault */
export function reasonOf(fault) {
  if (fault instanceof Offline) return "offline";
  if (isGone(fault)) return "gone";
  if (fault instanceof Problem && fault.code === "overloaded" && fault.wait >= LONG_WAIT) return "often";
  return (fault instanceof Problem && REASONS[fault.code]) || "refused";
}

/** Leads back to the overview. @param {Account} account */
export const overview = ({ deviceId }) => goBack("ways", deviceId);

/** @param {Account} account */
export const back = (account) => button("back", "second", t("back"), () => overview(account));

/**
 * Shows that something is made, and then what was made, unless another screen came meanwhile.
 * @template Made
 * @param {object} step
 * @param {Account} step.account
 * @param {string} step.name of the screen
 * @param {string} step.title
 * @param {() => Promise<Made>} step.make
 * @param {(made: Made) => void} step.then
 * @param {() => void} step.again
 * @param {string} [step.offline] the key of what is said where no answer comes
 */
export async function making({ account, name, title, make, then, again, offline }) {
  const words = h("p", { class: "quiet" }, t("ways.fetching"));
  const screen = { name, state: "making", title: [title], body: [words] };
  show(screen);
  const made = await make().then((value) => ({ value }), (fault) => ({ fault }));
  if (!stands(screen)) return;
  if ("value" in made) then(made.value);
  else failedScreen(account, made.fault, again, offline);
}

/**
 * Says why something was not made.
 * @param {Account} account
 * @param {unknown} fault
 * @param {() => void} again
 * @param {string} [offline]
 */
function failedScreen(account, fault, again, offline = "fault.offline.text") {
  const reason = reasonOf(fault);
  const isWorth = WORTH_TRYING.includes(reason);
  show({
    name: "ways-failed",
    state: reason,
    title: [t(`fault.${reason}.title`)],
    body: [h("div", { class: "result" }, mark(reason === "offline" ? "offline" : "warn", "warn"),
      h("p", {}, reason === "offline" ? t(offline) : textOf(reason, fault)),
      reason === "refused" && h("p", { class: "code" }, codeOf(fault)))],
    actions: [isWorth && button("again", "primary", t("again"), again), back(account)],
  });
}

/** What a fault says where it stands beside something. @param {unknown} fault */
export function faultWords(fault) {
  const reason = reasonOf(fault);
  if (reason === "refused") return `${t("account.failed")} ${codeOf(fault)}`;
  return `${t(`fault.${reason}.title`)}. ${textOf(reason, fault)}`;
}

/** @param {string} reason @param {unknown} fault */
function textOf(reason, fault) {
  const minutes = Math.ceil((fault instanceof Problem ? fault.wait : 0) / MINUTE);
  return t(`fault.${reason}.text`, { span: span(minutes * MINUTE) });
}

/** @param {unknown} fault */
const codeOf = (fault) => t("code", { code: fault instanceof Problem ? fault.code : String(fault) });

/**
 * A button that copies, and the place where it says so.
 * @param {string} words
 * @param {string} text
 * @param {string} done what is said then
 * @param {() => void} [copied]
 */
export function copier(words, text, done, copied = () => {}) {
  const said = h("p", { id: "copied", class: "quiet", role: "status" });
  const copy = button("copy", "second", words, async () => {
    const isCopied = await navigator.clipboard.writeText(text).then(() => true, () => false);
    said.textContent = isCopied ? done : t("not-copied");
    if (isCopied) copied();
    if (copy.isConnected) setState(isCopied ? "copied" : "not-copied");
  });
  return { copy, said };
}

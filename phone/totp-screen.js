// An authenticator app: its key, once, and the six digits that show that the app has it.

import { busy, button, field, h, mark } from "./dom.js";
import { drawing } from "./drawing.js";
import { show, stands } from "./stage.js";
import { back, faultWords, making, overview } from "./ways-steps.js";
import { confirmTotp, newTotp } from "./ways.js";
import { t } from "./words.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {Awaited<ReturnType<typeof newTotp>>} Made */

/** With so many wrong codes the server ends it. */
const MOST_WRONG = 5;

/** Room for six digits, and for a space between them as apps show it. */
const ROOM = 7;

/** Makes a key for an authenticator app, and shows it. @param {Account} account */
export function totpScreen(account) {
  making({
    account,
    name: "totp",
    title: t("totp.title"),
    make: () => newTotp(account),
    then: (made) => keyScreen(account, made),
    again: () => totpScreen(account),
  });
}

/** A key in groups of four, which are easier to copy by eye. @param {string} secret */
export const grouped = (secret) => secret.match(/.{1,4}/g)?.join(" ") ?? "";

/** The six digits in what was typed; null where it is not that. @param {string} text */
export function digitsIn(text) {
  const typed = text.normalize("NFKC").replace(/\s/g, "");
  return /^[0-9]{6}$/.test(typed) ? typed : null;
}

/** @param {Account} account @param {Made} made */
function keyScreen(account, made) {
  const code = field("code", { label: t("totp.code"), hint: t("totp.code-hint") },
    { inputmode: "numeric", pattern: "[0-9 ]*", autocomplete: "one-time-code", maxlength: ROOM, class: "code-input",
      enterkeyhint: "done" });
  /** What is wrong stands below the field, where the buttons may cover it. @param {string} words */
  const complain = (words) => {
    code.complain(words);
    code.node.scrollIntoView({ block: "nearest" });
  };
  const confirm = button("confirm", "primary", t("totp.confirm"), () => {
    const digits = digitsIn(code.input.value);
    if (digits === null) return complain(t("totp.short"));
    code.complain("");
    busy(confirm, t("push.turning-on"), () => send(digits));
  });
  let wrong = 0;
  /** @param {string} digits */
  const send = async (digits) => {
    try {
      const state = await confirmTotp(account, made.id, digits);
      if (!stands(screen)) return;
      if (state !== "wrong") return endScreen(account, state);
      wrong += 1;
      if (wrong >= MOST_WRONG) return endScreen(account, "over");
      code.input.value = "";
      complain(t("totp.wrong"));
    } catch (fault) {
      if (stands(screen)) complain(faultWords(fault));
    }
  };
  code.input.addEventListener("keydown", (event) => { if (event.key === "Enter") confirm.click(); });
  const screen = {
    name: "totp",
    state: "waiting",
    title: [t("totp.title")],
    body: [h("p", {}, t("totp.text")), drawing(made.picture, t("totp.picture")),
      h("a", { id: "open", class: "second", href: made.link }, t("totp.open")),
      h("p", {}, t("totp.secret"), " ", h("span", { id: "secret", class: "mono" }, grouped(made.secret))), code.node],
    actions: [confirm, back(account)],
  };
  show(screen);
}

/** @param {Account} account @param {"added" | "over"} state */
function endScreen(account, state) {
  const isAdded = state === "added";
  show({
    name: "totp",
    state,
    title: [t(`totp.${state}.title`)],
    body: [h("div", { class: "result" }, mark(isAdded ? "approve" : "warn"), h("p", {}, t(`totp.${state}.text`)))],
    actions: isAdded ? [button("done", "primary", t("done"), () => overview(account))]
      : [button("again", "primary", t("totp.over.again"), () => totpScreen(account)), back(account)],
  });
}

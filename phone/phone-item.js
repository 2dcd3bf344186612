// One phone in the list of a person's phones, and the form that confirms a new one.

import { serverNow } from "./app.js";
import { Problem } from "./api.js";
import { busy, button, field, h, say } from "./dom.js";
import { confirmPhone } from "./phones.js";
import { announce } from "./stage.js";
import { ago, t } from "./words.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").Phone} Phone */

/** Digits that confirm a phone. */
const DIGITS = 6;

/** @param {Account} account @param {Phone} phone @param {() => void} changed */
export function phoneItem(account, phone, changed) {
  const used = phone.last_used_at && ago(Date.parse(phone.last_used_at), serverNow(account));
  const words = phone.status === "unconfirmed" ? t("account.unconfirmed")
    : phone.this ? t("account.this")
      : used ? t("account.used", { when: used }) : t("account.unused");
  return h("li", { class: "phone", "data-phone": phone.id },
    h("strong", {}, h("bdi", {}, phone.name)), h("span", { class: "quiet" }, words),
    phone.status === "unconfirmed" && !phone.this && confirmation(account, phone, changed));
}

/**
 * The form for the six digits of a new phone.
 * @param {Account} account
 * @param {Pick<Phone, "id" | "name">} phone
 * @param {() => void} changed
 */
export function confirmation(account, phone, changed) {
  const code = field(`code-${phone.id}`,
    { label: say("account.confirm-label", { name: phone.name }), hint: t("account.confirm-hint") },
    { inputmode: "numeric", pattern: "[0-9]*", autocomplete: "off", maxlength: DIGITS + 1, class: "code-input" });
  const confirm = button(`confirm-${phone.id}`, "second", t("account.confirm"), () => {
    const typed = code.input.value.replace(/\s/g, "");
    if (!/^[0-9]{6}$/.test(typed)) return code.complain(t("account.confirm-short"));
    code.complain("");
    busy(confirm, t("push.turning-on"), () => send(account, phone, typed, code.complain, changed));
  });
  return h("div", { class: "confirmation" }, code.node, confirm);
}

/** The words for the server's refusals. @type {Record<string, import("./words.js").Sentence>} */
const FAULTS = { "wrong-code": "account.confirm-wrong", "not-found": "account.confirm-gone" };

/**
 * @param {Account} account
 * @param {Pick<Phone, "id" | "name">} phone
 * @param {string} code
 * @param {(words: string) => void} complain
 * @param {() => void} changed
 */
async function send(account, phone, code, complain, changed) {
  try {
    await confirmPhone(account, phone.id, code);
    announce(t("account.confirmed"));
    changed();
  } catch (error) {
    complain(t((error instanceof Problem && FAULTS[error.code]) || "account.failed"));
  }
}

// Recovery codes: shown once, in the place of those that were there before.

import { askFirst } from "./app.js";
import { button, h, hold } from "./dom.js";
import { setState, show } from "./stage.js";
import { copier, making, overview } from "./ways-steps.js";
import { newCodes } from "./ways.js";
import { t } from "./words.js";

/** @typedef {import("./types").Account} Account */

/** Asks once more where there are codes that would no longer work. @param {Account} account @param {boolean} isAny */
export function codesScreen(account, isAny) {
  if (!isAny) return make(account, isAny);
  const no = button("replace-no", "second", t("codes.replace.no"), () => overview(account));
  const yes = button("replace-yes", "deny", t("codes.replace.yes"), () => make(account, isAny));
  show({
    name: "codes-replace",
    title: [t("codes.replace.title")],
    body: [h("p", {}, t("codes.replace.text"))],
    actions: [h("div", { class: "pair" }, no, yes)],
  });
}

/** @param {Account} account @param {boolean} isAny */
function make(account, isAny) {
  making({
    account,
    name: "codes",
    title: t("codes.title"),
    make: () => newCodes(account),
    then: (codes) => listScreen(account, codes, isAny),
    again: () => make(account, isAny),
    offline: isAny ? "codes.unsure" : "codes.unsure-first",
  });
}

/** @param {Account} account @param {string[]} codes @param {boolean} isAny whether there were others */
function listScreen(account, codes, isAny) {
  const isKept = () => askFirst(null);
  const { copy, said } = copier(t("codes.copy"), codes.join("\n"), t("codes.copied"), isKept);
  const print = typeof globalThis.print === "function" && button("print", "second", t("codes.print"), () => {
    isKept();
    globalThis.print();
  });
  const done = button("done", "primary", t("codes.done"), () => {
    isKept();
    overview(account);
  });
  const below = h("div", { class: "below" });
  const leaving = question(below, [h("div", { class: "pair" }, copy, print), done]);
  show({
    name: "codes",
    state: "made",
    title: [t("codes.title")],
    body: [
      h("p", { class: "warning" }, t(isAny ? "codes.text-again" : "codes.text")),
      h("ol", { id: "codes", class: "codes", role: "list", "aria-label": t("codes.list") },
        codes.map((code) => h("li", { class: "mono" }, code))),
      h("p", { class: "quiet" }, t("codes.how")), said,
    ],
    actions: [below],
    leave: isKept,
  });
  askFirst(leaving);
}

/**
 * What is asked before codes are left that nobody has kept yet.
 * @param {HTMLElement} place
 * @param {HTMLElement[]} actions what stands there else
 * @returns {(leave: () => void) => void}
 */
function question(place, actions) {
  place.replaceChildren(...actions);
  /** @param {() => void} leave */
  const ask = (leave) => {
    const what = h("p", { id: "leave-what", class: "warning", tabindex: "-1" }, t("codes.leave"));
    const no = button("leave-no", "second", t("codes.leave.no"), () => {
      place.replaceChildren(...actions);
      setState("made");
      hold(place);
      askFirst(ask);
      actions.at(-1)?.focus();
    });
    const yes = button("leave-yes", "deny", t("codes.leave.yes"), leave);
    place.replaceChildren(what, h("div", { class: "pair" }, no, yes));
    setState("leaving");
    hold(place);
    what.focus();
  };
  return ask;
}

// Another phone by this one: the code that adds it, until it is there or the code is too old.

import { serverNow } from "./app.js";
import { button, h } from "./dom.js";
import { drawing } from "./drawing.js";
import { show, stands } from "./stage.js";
import { compareScreen } from "./way-change.js";
import { back, copier, making, overview } from "./ways-steps.js";
import { newPhone, ways } from "./ways.js";
import { span, t } from "./words.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {Awaited<ReturnType<typeof newPhone>>} Made */

const OFTEN = 3_000; // milliseconds between two questions whether the new phone is there

/** Makes a code that adds a phone, and shows it. @param {Account} account */
export function anotherScreen(account) {
  making({
    account,
    name: "another",
    title: t("another.title"),
    make: async () => {
      const before = await ways(account);
      return { made: await newPhone(account), known: before.map(({ id }) => id) };
    },
    then: ({ made, known }) => codeScreen(account, made, known),
    again: () => anotherScreen(account),
  });
}

/** @param {Account} account @param {Made} made @param {string[]} known what was there before */
function codeScreen(account, made, known) {
  const rest = h("p", { id: "rest" });
  const { copy, said } = copier(t("another.copy"), made.link, t("another.copied"));
  /** @type {import("./stage.js").Screen} */
  const screen = {
    name: "another",
    state: "waiting",
    title: [t("another.title")],
    body: [h("p", {}, t("another.text")), drawing(made.picture, t("another.picture")), rest,
      h("p", { class: "quiet" }, t("another.wait")), said],
    actions: [copy, back(account)],
    leave: () => clearInterval(timer),
  };
  const look = () => {
    const left = made.expiresAt - serverNow(account);
    if (left <= 0) return overScreen(account);
    rest.textContent = t("another.once", { span: span(left) });
    if (!document.hidden) ask(account, screen, known);
  };
  const timer = setInterval(look, OFTEN);
  show(screen);
  look();
}

/**
 * Goes on where a phone is there that was not there before.
 * @param {Account} account
 * @param {import("./stage.js").Screen} screen
 * @param {string[]} known
 */
async function ask(account, screen, known) {
  const found = await ways(account).catch(() => []);
  if (!stands(screen)) return;
  const added = found.find(({ id, kind }) => kind === "phone" && !known.includes(id));
  if (added?.status === "unconfirmed") compareScreen(account, added);
  else if (added) overview(account);
}

/** @param {Account} account */
function overScreen(account) {
  show({
    name: "another",
    state: "over",
    title: [t("another.over.title")],
    body: [h("p", {}, t("another.over.text"))],
    actions: [button("again", "primary", t("another.over.again"), () => anotherScreen(account)), back(account)],
  });
}

// A phone that was just added: the digits that confirm it, where they are wanted, and whether it may ring.

import { allAccounts, go, reload } from "./app.js";
import { button, h, say } from "./dom.js";
import { refresh } from "./enrollment.js";
import { keepRinging, ringing } from "./ringing.js";
import { setState, show, stands } from "./stage.js";
import { wake } from "./watch.js";
import { t } from "./words.js";

/** @typedef {import("./types").Account} Account */

const OFTEN = 3_000; // between two questions whether the phone is confirmed

/** Says that the phone is ready, and asks whether it may ring. @param {Account} account */
export function readyScreen(account) {
  const done = button("done", "second", t("ready.later"), () => go("home"));
  const bell = ringing(t("ready.ask"), (state) => {
    if (!stands(screen)) return;
    const asks = state === "off";
    done.className = asks ? "second" : "primary";
    done.textContent = t(asks ? "ready.later" : "done");
    setState(`push-${state}`);
  });
  /** @type {import("./stage.js").Screen} */
  const screen = {
    name: "ready",
    state: "looking",
    title: [t("ready.title")],
    body: [h("p", { id: "who" }, say("ready.text", { user: account.user })), bell.words],
    actions: [bell.button, done],
  };
  show(screen);
  wake();
  keepRinging().then(bell.look);
}

/** Shows the digits of a phone that is not confirmed yet, until it is. @param {Account} account */
export function unconfirmedScreen(account) {
  const { code, deviceId, user } = account;
  const digits = code ?? "";
  const halves = [digits.slice(0, 3), digits.slice(3)].map((half) => h("span", {}, half));
  /** @type {import("./stage.js").Screen} */
  const screen = {
    name: "unconfirmed",
    state: digits ? "waiting" : "lost",
    title: [t("unconfirmed.title")],
    body: digits ? [
      h("p", { id: "digits", class: "digits", "aria-hidden": "true" }, halves),
      h("p", { class: "spoken" }, t("unconfirmed.digits", { digits: [...digits].join(" ") })),
      h("p", {}, t("unconfirmed.text")),
      h("p", { class: "quiet" }, t("unconfirmed.wait")),
    ] : [h("p", {}, t("unconfirmed.lost"))],
    actions: [button("account", "second", t("unconfirmed.account", { user }), () => go("account", deviceId))],
    leave: () => clearInterval(timer),
  };
  const timer = setInterval(() => document.hidden || ask(account, screen), OFTEN);
  show(screen);
}

/** Asks whether the phone is confirmed by now. @param {Account} account @param {import("./stage.js").Screen} screen */
async function ask(account, screen) {
  const seen = await refresh(account).catch(() => null);
  if (!seen || !stands(screen) || seen.status === "unconfirmed") return;
  await reload();
  if (!stands(screen)) return;
  const now = allAccounts().find(({ deviceId }) => deviceId === account.deviceId) ?? account;
  go(seen.status === "gone" ? "gone" : "ready", now);
}

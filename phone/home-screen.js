// Home: whether anything waits, and how this phone is.

import { activeAccounts, addressOf, allAccounts, reload } from "./app.js";
import { button, h, say } from "./dom.js";
import { refresh } from "./enrollment.js";
import { noticeItems } from "./notice-list.js";
import { attend, lastLook, lose } from "./queue.js";
import { keepRinging, ringing } from "./ringing.js";
import { announce, retitle, setState, show, stands } from "./stage.js";
import { wake } from "./watch.js";
import { ago, span, t } from "./words.js";

/** @typedef {import("./types").Account} Account */

/** A smaller difference of the clocks is not worth a word. */
const CLOCK_SLACK = 60_000;

/** For how long what the server said of the accounts is believed, in milliseconds. */
const FRESH = 60_000;

/** @type {Home|null} */
let last = null;
/** When the server was last asked about the accounts. */
let renewedAt = 0;

/** Shows home. */
export function homeScreen() {
  last = new Home();
  last.show();
}

/** Tells home that this phone has looked. */
export const heedHome = () => last?.heed();

/**
 * Asks how the server sees the accounts, and repairs the ringing. An account that waited for it may be confirmed, or
 * dropped, by now, and its subscription lost.
 */
export async function renew() {
  renewedAt = Date.now();
  const gone = (await Promise.all(allAccounts().map(isNewlyGone))).find((account) => account !== null);
  await reload();
  wake();
  if (activeAccounts().length === 0) heedHome();
  if (gone) lose(gone);
  await keepRinging();
  last?.refresh();
}

/** The app is seen again, or has been for long. */
export function renewInTime() {
  if (document.hidden) return;
  if (Math.abs(Date.now() - renewedAt) > FRESH) renew();
  else last?.refresh();
}

/** @param {Account} account */
async function isNewlyGone(account) {
  const wasRemoved = account.removed;
  const seen = await refresh(account).catch(() => null);
  return seen?.status === "gone" && !wasRemoved ? account : null;
}

class Home {
  #hint = h("p", { class: "quiet" }, t("home.hint"));
  #notes = h("div", { class: "notes" });
  #accounts = h("ul", { id: "accounts", class: "list", role: "list" });
  #notices = h("ul", { id: "notices", class: "list", role: "list" });
  #noticesPart = h("section", { "aria-labelledby": "notices-title", hidden: true },
    h("h2", { id: "notices-title" }, t("home.notices")), this.#notices);
  #bell = ringing(t("push.off"));
  #bellPart = h("section", { class: "bell", "aria-label": t("home.ringing") }, this.#bell.words, this.#bell.button);
  #hasAsked = false;

  constructor() {
    /** @type {import("./stage.js").Screen} */
    this.screen = {
      name: "home",
      state: "looking",
      title: [t("home.looking")],
      body: [
        this.#hint,
        this.#notes,
        this.#noticesPart,
        this.#bellPart,
        h("section", { "aria-labelledby": "accounts-title" },
          h("h2", { id: "accounts-title", class: "spoken" }, t("home.accounts")), this.#accounts),
      ],
      actions: [button("look", "second", t("home.look"), () => this.#lookAgain())],
    };
  }

  show() {
    show(this.screen);
    this.heed();
    this.refresh();
    attend();
    wake();
  }

  /** Takes over what was found. */
  heed() {
    if (!stands(this.screen)) return;
    const found = lastLook();
    const isRemoved = activeAccounts().length === 0;
    const state = isRemoved ? "removed" : found === null ? "looking" : found.offline ? "offline" : "idle";
    setState(state);
    retitle([t(`home.${state}`)]);
    this.#note(found);
    if (found && this.#hasAsked) announce(t(state === "idle" ? "home.looked" : `home.${state}`));
    this.#hasAsked = false;
  }

  /** Reads what changes seldom. */
  async refresh() {
    if (!stands(this.screen)) return;
    this.#list();
    await reload();
    this.#list();
    const items = await noticeItems(activeAccounts(), true);
    this.#notices.replaceChildren(...items);
    this.#noticesPart.hidden = items.length === 0;
  }

  #list() {
    this.#accounts.replaceChildren(...allAccounts().map(accountItem));
    this.#hint.hidden = this.#bellPart.hidden = activeAccounts().length === 0;
    this.#bell.look();
  }

  #lookAgain() {
    this.#hasAsked = true;
    setState("looking");
    retitle([t("home.looking")]);
    wake();
    renew();
  }

  /** Says what is odd. @param {import("./types").Look|null} found */
  #note(found) {
    const offset = found?.clockOffset ?? 0;
    const [reason] = found?.disbelieved ?? [];
    const notes = [];
    if (Math.abs(offset) > CLOCK_SLACK) {
      const key = offset > 0 ? "home.slow" : "home.fast";
      notes.push(h("p", { id: "clock", class: "note" }, t(key, { span: span(Math.abs(offset)) })));
    }
    if (reason !== undefined) {
      notes.push(h("p", { id: "disbelieved", class: "note" }, t("home.disbelieved"), " ",
        h("span", { class: "code" }, t("code", { code: reason }))));
    }
    this.#notes.replaceChildren(...notes);
  }
}

/** @param {Account} account */
function accountItem(account) {
  const { deviceId, lastSignIn, removed, status, user } = account;
  const { application = "", gateway = "", at = 0 } = lastSignIn ?? {};
  const line = removed ? [t("home.removed")]
    : status === "unconfirmed" ? [t("home.unconfirmed")]
      : lastSignIn ? say("home.last", { application, gateway, when: ago(at, Date.now()) })
        : [t("home.never")];
  return h("li", {}, h("a", { class: "card", href: addressOf("account", deviceId) },
    h("strong", {}, h("bdi", {}, user)), h("span", { class: "quiet" }, line)));
}

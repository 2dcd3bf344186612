// What the server tells that needs no answer.

import { serverNow } from "./app.js";
import { button, h, say } from "./dom.js";
import { markSeen, notices } from "./notices.js";
import { ago, knows, t } from "./words.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").Notice} Notice */

/**
 * The words of a notice; of a kind that is not known here, only that something happened.
 * @param {Notice} notice
 * @param {Account} account
 */
function wordsOf({ kind, gateway }, { issuer }) {
  const key = `happened.${kind}`;
  const values = { gateway: gateway ?? t("notice.somewhere"), page: `${issuer}/connect` };
  return say(knows(key) ? key : "notice.other", values);
}

/** @param {Notice} notice @param {Account} account @param {boolean} askSeen */
function item(notice, account, askSeen) {
  const client = [notice.client.name, notice.client.ip].filter((text) => text !== null).join(", ");
  const when = ago(notice.at, serverNow(account));
  const node = h("li", { class: "notice" },
    h("p", {}, wordsOf(notice, account)),
    notice.gateway && notice.kind !== "no-page" && h("p", { class: "quiet" }, t("field.gateway"), ": ",
      h("bdi", {}, notice.gateway)),
    h("p", { class: "quiet" }, client ? say("notice.from", { client, when }) : when),
    askSeen && button("", "plain", t("notice.seen"), () => {
      node.remove();
      markSeen(account, [notice.id]);
    }));
  return node;
}

/**
 * The notices of some accounts as items of a list; none of an account that cannot be asked.
 * @param {Account[]} accounts
 * @param {boolean} onlyUnseen with a button that makes them seen
 */
export async function noticeItems(accounts, onlyUnseen) {
  const lists = await Promise.all(accounts.map(async (account) => {
    const found = await notices(account).catch(() => []);
    return found.filter(({ seen }) => !(onlyUnseen && seen)).map((notice) => item(notice, account, onlyUnseen));
  }));
  return lists.flat();
}

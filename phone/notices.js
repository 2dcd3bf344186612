// Notices: what the server tells a phone that needs no answer, and can be given none (wire contract, section 7).

import * as api from "./api.js";
import { checkAddress, readClient } from "./challenge.js";
import { date, id, optionalObject, optionalText, text } from "./claims.js";
import { amend } from "./database.js";
import { isObject } from "./json.js";
import { Unbelievable, claimsOf } from "./jws.js";
import { checker } from "./keys.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").Notice} Notice */

const TYP = "gatematch-notice+jwt";
/** How many ids of seen notices are kept; the server lists fewer. */
const MAX_SEEN = 200;

/**
 * The notices of an account. What is not to be believed is left out.
 * @param {Account} account
 * @returns {Promise<Notice[]>} the newest first
 * @throws {api.Problem | api.Offline}
 */
export async function notices(account) {
  const answer = await api.call(account, "GET", "/v1/devices/self/notices");
  const items = isObject(answer) && Array.isArray(answer.items) ? answer.items : [];
  const checked = checker(account);
  /** @type {Notice[]} */
  const found = [];
  for (const item of items) {
    try {
      found.push(await checked(() => check(account, item)));
    } catch (fault) {
      if (!(fault instanceof Unbelievable)) throw fault;
    }
  }
  return found.sort((a, b) => b.at - a.at);
}

/**
 * Keeps that the person has seen notices.
 * @param {Account} account
 * @param {string[]} ids
 * @returns {Promise<void>}
 */
export async function markSeen(account, ids) {
  await amend(account, (kept) => {
    kept.seenNotices = [...new Set([...kept.seenNotices, ...ids])].slice(-MAX_SEEN);
  });
}

/**
 * @param {Account} account
 * @param {unknown} item
 * @returns {Promise<Notice>}
 * @throws {Unbelievable}
 */
async function check(account, item) {
  const signed = isObject(item) ? item : {};
  if (typeof signed.notice !== "string") throw new Unbelievable("malformed", "a notice is missing");
  const claims = await claimsOf(signed.notice, TYP, account.serverKeys);
  checkAddress(claims, account);
  const name = id(claims, "jti");
  if (name !== signed.id) throw new Unbelievable("refuse", "it stands under another id than its own");
  const client = readClient(optionalObject(claims, "client") ?? {});
  return {
    id: name,
    kind: text(claims, "kind"),
    at: 1000 * date(claims, "iat"),
    gateway: optionalText(claims, "gateway"),
    client: { name: client.name, ip: client.ip },
    seen: account.seenNotices.includes(name),
  };
}

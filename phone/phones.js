// The phones of the same person, so that one of them can let in another.

import { call } from "./api.js";
import { isId } from "./claims.js";
import { isObject } from "./json.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").Phone} Phone */

/**
 * All phones of this account's user, this one among them.
 * @param {Account} account
 * @returns {Promise<Phone[]>}
 * @throws {import("./api.js").Problem | import("./api.js").Offline}
 */
export async function phones(account) {
  const answer = await call(account, "GET", "/v1/devices/self/phones");
  return isObject(answer) && Array.isArray(answer.items) ? answer.items.filter(isPhone) : [];
}

/**
 * Confirms a new phone by the six digits that it shows. The third wrong code removes that phone.
 * @param {Account} account
 * @param {string} id the new phone's
 * @param {string} code
 * @returns {Promise<void>}
 * @throws {import("./api.js").Problem} `wrong-code` (422), `device-confirmed` (409), `not-found` (404)
 * @throws {import("./api.js").Offline}
 */
export async function confirmPhone(account, id, code) {
  await call(account, "POST", `/v1/devices/${encodeURIComponent(id)}/confirm`, { code });
}

/**
 * @param {unknown} item
 * @returns {item is Phone}
 */
function isPhone(item) {
  if (!isObject(item) || !isId(item.id)) return false;
  const { name, platform, status, push, created_at, last_used_at } = item;
  const isTextOrNull = (/** @type {unknown} */ value) => value === null || typeof value === "string";
  const areTexts = typeof name === "string" && typeof created_at === "string";
  const areOptional = isTextOrNull(platform) && isTextOrNull(last_used_at);
  const isKnown = status === "active" || status === "unconfirmed";
  return areTexts && areOptional && isKnown && typeof push === "boolean" && typeof item.this === "boolean";
}

// The server's keys: pinned at enrollment, and added to when the server signs with a new one.

import { Problem, callOpenly, discover } from "./api.js";
import { amend } from "./database.js";
import { serverKeys } from "./jwk.js";
import { Unbelievable } from "./jws.js";

/** @typedef {import("./types").Account} Account */

/** What was asked for in vain is not asked for again so soon, in milliseconds. */
const VAIN = 60_000;
/** When the published keys were fetched in vain, by account and key. @type {Map<string, number>} */
const vain = new Map();

/**
 * The keys that the server publishes now.
 * @param {import("./api.js").Site} site
 * @returns {Promise<import("./types").ServerKey[]>} one or more
 * @throws {Problem | import("./api.js").Offline}
 */
export async function published(site) {
  const keys = serverKeys(await callOpenly(site.jwks_uri, "GET"));
  if (keys.length === 0) throw new Problem(0, "no-server-keys", "The server publishes no key.");
  return keys;
}

/**
 * Checks one token after the other under the pinned keys. At the first that was signed by a key which is not known, the
 * published keys are fetched, once, and new ones are pinned too; a pinned one never changes, and goes with the set's.
 * @param {Account} account
 * @returns {<T>(check: () => Promise<T>) => Promise<T>} runs `check`, a second time where the keys were fetched for it
 */
export function checker(account) {
  /** @type {Promise<void> | null} */
  let fetched = null;
  return async (check) => {
    try {
      return await check();
    } catch (fault) {
      if (!isUnknown(fault) || fetched !== null) throw fault;
      const name = account.deviceId + fault.message;
      if (Date.now() - (vain.get(name) ?? 0) < VAIN) throw fault;
      await (fetched = pinNew(account));
      vain.set(name, Date.now());
      return check();
    }
  };
}

/**
 * @param {unknown} fault
 * @returns {fault is Unbelievable}
 */
function isUnknown(fault) {
  return fault instanceof Unbelievable && fault.kind === "unknown-key";
}

/** @param {Account} account */
async function pinNew(account) {
  const site = await discover();
  if (site.issuer !== account.issuer) throw new Problem(0, "wrong-issuer", "The server has changed its address.");
  const keys = await published(site);
  await amend(account, (kept) => {
    const pinned = (/** @type {{ kid: string }} */ { kid }) => kept.serverKeys.find((known) => known.kid === kid);
    kept.serverKeys = keys.map((key) => pinned(key) ?? key);
  });
}

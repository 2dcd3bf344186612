// The server's clock, as far as this phone knows it. Proofs and time limits go by it, never by the phone's own.

import { update } from "./database.js";

/** A smaller difference, in milliseconds, is the network's. */
const SLACK = 5_000;

/**
 * The server's time in whole seconds since the epoch.
 * @param {{ clockOffset: number }} account
 * @returns {number}
 */
export function now({ clockOffset }) {
  return Math.floor((Date.now() + clockOffset) / 1000);
}

/** The time of an answer that took longer, in milliseconds, is too old. */
const PROMPT = 10_000;

/**
 * Keeps the difference to a time that the server told just now, where it is another than was known.
 * @param {{ clockOffset: number, deviceId?: string }} account
 * @param {string | null} told RFC 3339, or an HTTP date (RFC 9110, section 5.6.7)
 * @param {number} [took] how long the answer took, in milliseconds
 * @returns {Promise<void>}
 */
export async function learn(account, told, took = 0) {
  if (took > PROMPT) return;
  const offset = Date.parse(told ?? "") - Date.now();
  if (!(Math.abs(offset - account.clockOffset) > SLACK)) return;
  account.clockOffset = offset;
  if (account.deviceId === undefined) return;
  await update(account.deviceId, (kept) => {
    kept.clockOffset = offset;
  }).catch(() => undefined);
}

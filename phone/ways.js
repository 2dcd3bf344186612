// What a person signs in with, as the server lists it to him, and how he changes it from this phone.

import { Problem, call } from "./api.js";
import { isId } from "./claims.js";
import { amend } from "./database.js";
import { leave, readLink } from "./enrollment.js";
import { isObject } from "./json.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").Way} Way */

const SELF = "/v1/self";
const KINDS = ["phone", "totp", "recovery_codes", "access_pass"];
const STATES = ["active", "unconfirmed", "not-yet", "over", "unreadable"];
/** The key of an authenticator app: base32 (RFC 4648, section 6). */
const SECRET = /^[A-Z2-7]{16,256}$/;
/** A recovery code, of letters and digits in groups. */
const CODE = /^[0-9A-Z]{2,64}(?:-[0-9A-Z]{2,64}){0,15}$/;

/**
 * What this account's user signs in with. Kinds and states that are not known here are left out.
 * @param {Account} account
 * @returns {Promise<Way[]>}
 * @throws {Problem | import("./api.js").Offline} `unreadable-answer`: rather no list than one that lacks something.
 */
export async function ways(account) {
  const { items } = record(await call(account, "GET", `${SELF}/authenticators`));
  if (!Array.isArray(items)) throw unreadable();
  return items.map(record).filter(isKnown).map(wayOf);
}

/**
 * Removes one. That it was removed before is no fault. This phone itself leaves the account.
 * @param {Account} account
 * @param {Way} way
 * @returns {Promise<void>}
 * @throws {Problem | import("./api.js").Offline}
 */
export async function remove(account, { id, kind }) {
  if (id === account.deviceId) return leave(account);
  try {
    await call(account, "DELETE", `${SELF}/${kind === "phone" ? "devices" : "authenticators"}/${id}`);
  } catch (fault) {
    if (!(fault instanceof Problem && fault.code === "not-found")) throw fault;
  }
}

/**
 * Gives a phone another name.
 * @param {Account} account
 * @param {string} id the phone's
 * @param {string} name
 * @returns {Promise<void>}
 * @throws {Problem | import("./api.js").Offline}
 */
export async function rename(account, id, name) {
  await call(account, "PUT", `${SELF}/devices/${id}`, { name });
  if (id === account.deviceId) await amend(account, (kept) => { kept.deviceName = name; });
}

/**
 * Makes a link that adds a phone, once.
 * @param {Account} account
 * @returns {Promise<{ link: string, picture: string, expiresAt: number }>} `picture`: the link as a QR code, in SVG;
 *   `expiresAt`: on the server's clock
 * @throws {Problem} `role-not-allowed` (403): his administrators do this.
 * @throws {import("./api.js").Offline}
 */
export async function newPhone(account) {
  const { link, qr_svg, expires_at } = record(await call(account, "POST", `${SELF}/enrollments`, {}));
  if (typeof link !== "string" || typeof qr_svg !== "string") throw unreadable();
  const read = readLink(link);
  if (read === null || !("issuer" in read) || read.issuer !== account.issuer) throw unreadable();
  return { link, picture: qr_svg, expiresAt: time(expires_at) };
}

/**
 * Begins with an authenticator app, which works after `confirmTotp`.
 * @param {Account} account
 * @returns {Promise<{ id: string, secret: string, link: string, picture: string }>} `link`: for the app
 * @throws {Problem} `too-many-authenticators` (409)
 * @throws {import("./api.js").Offline}
 */
export async function newTotp(account) {
  const { id, secret, otpauth_uri, qr_svg } = record(await call(account, "POST", `${SELF}/totp`, {}));
  const isSecret = typeof secret === "string" && SECRET.test(secret);
  // It becomes a link to press.
  const isLink = typeof otpauth_uri === "string" && /^otpauth:\/\/totp\//.test(otpauth_uri);
  if (!isId(id) || !isSecret || !isLink || typeof qr_svg !== "string") throw unreadable();
  return { id, secret, link: otpauth_uri, picture: qr_svg };
}

/**
 * Confirms an authenticator app by the six digits that it shows.
 * @param {Account} account
 * @param {string} id
 * @param {string} code
 * @returns {Promise<"added" | "wrong" | "over">} `over`: it was ended, by too many wrong codes or by somebody
 * @throws {Problem | import("./api.js").Offline}
 */
export async function confirmTotp(account, id, code) {
  try {
    await call(account, "POST", `${SELF}/totp/${id}/confirm`, { code });
    return "added";
  } catch (fault) {
    if (fault instanceof Problem && fault.code === "wrong-code") return "wrong";
    if (fault instanceof Problem && fault.code === "not-found") return "over";
    throw fault;
  }
}

/**
 * Makes recovery codes in the place of those that were there.
 * @param {Account} account
 * @returns {Promise<string[]>} They come once.
 * @throws {Problem | import("./api.js").Offline}
 */
export async function newCodes(account) {
  const { codes } = record(await call(account, "POST", `${SELF}/recovery-codes`, {}));
  const areCodes = Array.isArray(codes) && codes.length > 0
    && codes.every((code) => typeof code === "string" && CODE.test(code));
  if (!areCodes) throw unreadable();
  return codes;
}

/** @param {unknown} answer @returns {Record<string, unknown>} */
function record(answer) {
  if (isObject(answer)) return answer;
  throw unreadable();
}

/** @param {Record<string, unknown>} item */
const isKnown = ({ kind, status }) => KINDS.includes(String(kind)) && STATES.includes(String(status));

/** @param {Record<string, unknown>} item of a known kind @returns {Way} */
function wayOf({ id, kind, name, status, created_at, last_used_at, starts_at, expires_at, left }) {
  const text = name ?? null;
  const count = left ?? null;
  const isCount = count === null || (typeof count === "number" && Number.isSafeInteger(count) && count >= 0);
  if (!isId(id) || !(text === null || typeof text === "string") || !isCount) throw unreadable();
  return {
    id,
    kind: /** @type {Way["kind"]} */ (kind),
    name: text || null,
    status: /** @type {Way["status"]} */ (status),
    createdAt: time(created_at),
    lastUsedAt: optionalTime(last_used_at),
    startsAt: optionalTime(starts_at),
    expiresAt: optionalTime(expires_at),
    left: /** @type {number | null} */ (count),
  };
}

/** @param {unknown} value @returns {number} milliseconds since the epoch */
function time(value) {
  const at = typeof value === "string" ? Date.parse(value) : NaN;
  if (Number.isNaN(at)) throw unreadable();
  return at;
}

/** @param {unknown} value */
const optionalTime = (value) => ((value ?? null) === null ? null : time(value));

const unreadable = () => new Problem(0, "unreadable-answer", "The server's answer is not understood.");

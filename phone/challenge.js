// The signed challenge (wire contract, section 6.1): what the server asks this phone.

import { date, id, object, optionalObject, optionalText, text, wrong } from "./claims.js";
import { Unbelievable, claimsOf } from "./jws.js";

const TYP = "gatematch-challenge+jwt";

/**
 * What a phone knows when it reads a challenge.
 * @typedef {object} Reader
 * @property {string} issuer that it enrolled with
 * @property {string} deviceId its own
 * @property {string} [user] whose phone it is
 * @property {import("./types").ServerKey[]} serverKeys
 * @property {number} now the server's time in seconds since the epoch
 */

/**
 * A challenge that may be shown. Times are seconds since the epoch, on the server's clock.
 * @typedef {object} Challenge
 * @property {string} id
 * @property {string} application
 * @property {string} gateway
 * @property {{ name: string | null, ip: string | null, location: string | null, pageIp: string | null }} client where
 *   `pageIp` is known, that is where the sign-in page was opened
 * @property {number} askedAt
 * @property {number} expiresAt
 * @property {number | null} digits how many to type; null: approval alone
 * @property {boolean} uvRequired
 * @property {Record<string, string>} context
 */

/**
 * Reads and checks a signed challenge. It is dead from `exp` on; `iat` is not checked.
 * @param {string} jws
 * @param {Reader} reader
 * @returns {Promise<Challenge>}
 * @throws {import("./jws.js").Unbelievable} The phone then shows nothing that can be approved.
 */
export async function check(jws, reader) {
  const claims = await claimsOf(jws, TYP, reader.serverKeys);
  const challenge = read(claims);
  checkAddress(claims, reader);
  if (challenge.expiresAt <= reader.now) throw new Unbelievable("refuse", "it has expired");
  return challenge;
}

/**
 * Whether a token was made by this issuer for this phone.
 * @param {Record<string, unknown>} claims
 * @param {{ issuer: string, deviceId: string, user?: string }} reader
 * @throws {import("./jws.js").Unbelievable}
 */
export function checkAddress(claims, reader) {
  const issuer = text(claims, "iss");
  const device = id(claims, "aud");
  if (issuer !== reader.issuer) throw new Unbelievable("refuse", "made by another server");
  if (device !== reader.deviceId) throw new Unbelievable("refuse", "made for another phone");
  const user = text(claims, "sub");
  if (user !== (reader.user ?? user)) throw new Unbelievable("refuse", "made for another person");
}

/**
 * The client as it is shown; all of it is the gateway's word.
 * @param {Record<string, unknown>} client
 */
export function readClient(client) {
  return {
    name: optionalText(client, "name"),
    ip: optionalText(client, "ip"),
    location: optionalText(client, "location"),
    pageIp: optionalText(client, "page_ip"),
  };
}

/**
 * @param {Record<string, unknown>} claims
 * @returns {Challenge}
 */
function read(claims) {
  for (const name of ["iss", "nonce"]) text(claims, name);
  id(claims, "aud");
  return {
    id: id(claims, "jti"),
    application: text(claims, "app"),
    gateway: text(claims, "gateway"),
    client: readClient(object(claims, "client")),
    askedAt: date(claims, "iat"),
    expiresAt: date(claims, "exp"),
    digits: readDigits(optionalObject(claims, "match")),
    uvRequired: readUv(optionalText(claims, "uv")),
    context: readContext(optionalObject(claims, "context")),
  };
}

/**
 * A way of matching that is not known cannot be shown, so it is refused and not left out.
 * @param {Record<string, unknown> | null} match
 */
function readDigits(match) {
  if (match === null) return null;
  const { kind, digits } = match;
  if (kind !== "number") return wrong("match", "of the kind number");
  const isCount = typeof digits === "number" && Number.isInteger(digits) && digits >= 2 && digits <= 6;
  return isCount ? digits : wrong("match", "of 2 to 6 digits");
}

/** @param {string | null} uv */
function readUv(uv) {
  return uv === null || uv === "required" ? uv !== null : wrong("uv", "required or absent");
}

/** @param {Record<string, unknown> | null} context */
function readContext(context) {
  const given = context ?? {};
  return Object.fromEntries(Object.keys(given).map((name) => [name, text(given, name)]));
}

// Compact JWS (RFC 7515 section 7.1), ES256 only, each with an explicit `typ` (RFC 8725 section 3.11).

import { decode, encode } from "./base64url.js";
import { parseObject } from "./json.js";
import { ALGORITHM, importPublic } from "./jwk.js";

/**
 * A token that was taken apart; nothing in it is believed yet.
 * @typedef {object} Jws
 * @property {Record<string, unknown>} header
 * @property {Record<string, unknown>} claims
 * @property {string} signingInput the first two parts, as they came
 * @property {Uint8Array<ArrayBuffer>} signature
 */

/** Header members that are refused wherever they stand, and `jwk`, which only a DPoP proof may have. */
const FORBIDDEN = ["crit", "jku", "x5u", "x5c", "b64", "jwk"];

/** A token that is not to be believed. */
export class Unbelievable extends Error {
  /**
   * @param {"malformed" | "refuse" | "unknown-key"} kind `malformed`: it cannot be read; `refuse`: it can, and may not
   *   be believed; `unknown-key`: its signer is not known
   * @param {string} message
   */
  constructor(kind, message) {
    super(message);
    this.name = "Unbelievable";
    this.kind = kind;
  }
}

/**
 * Takes a token apart.
 * @param {string} text
 * @returns {Jws}
 * @throws {Unbelievable} `malformed`, unless it is three parts of canonical base64url, the first two JSON objects.
 */
export function parse(text) {
  const parts = text.split(".");
  if (parts.length !== 3) throw new Unbelievable("malformed", "a compact JWS has three parts");
  try {
    return {
      header: parseObject(decode(parts[0])),
      claims: parseObject(decode(parts[1])),
      signingInput: `${parts[0]}.${parts[1]}`,
      signature: decode(parts[2]),
    };
  } catch (fault) {
    if (fault instanceof SyntaxError) throw new Unbelievable("malformed", fault.message);
    throw fault;
  }
}

/**
 * Checks the header of a token that names its signer by `kid`.
 * @param {Jws} jws
 * @param {string} typ compared exactly
 * @throws {Unbelievable} `refuse`, for another `alg` or `typ`, or a member that may bring a key or change the rules.
 */
export function checkHeader({ header }, typ) {
  if (header.alg !== "ES256") throw new Unbelievable("refuse", "the algorithm is not ES256");
  if (header.typ !== typ) throw new Unbelievable("refuse", "the token is of another type");
  if (FORBIDDEN.some((name) => name in header)) throw new Unbelievable("refuse", "a header member is forbidden");
}

/**
 * Whether the signature (r || s, 64 bytes) holds. Both halves of a malleable pair do (RFC 7515, A.3 is a high-S one).
 * @param {Jws} jws
 * @param {import("./jwk.js").PublicJwk} jwk
 * @returns {Promise<boolean>} false too for a key that is none
 */
export async function verify({ signingInput, signature }, jwk) {
  if (signature.length !== 64) return false;
  try {
    const key = await importPublic(jwk);
    return await crypto.subtle.verify(ALGORITHM, key, signature, new TextEncoder().encode(signingInput));
  } catch {
    return false;
  }
}

/**
 * Signs claims. Members keep the order that they are given in.
 * @param {{ typ: string, kid?: string, jwk?: import("./jwk.js").PublicJwk }} header without `alg`
 * @param {Record<string, unknown>} claims
 * @param {CryptoKey} privateKey
 * @returns {Promise<string>} the compact token
 */
export async function sign(header, claims, privateKey) {
  const part = (/** @type {object} */ value) => encode(new TextEncoder().encode(JSON.stringify(value)));
  const signingInput = `${part({ alg: "ES256", ...header })}.${part(claims)}`;
  const signature = await crypto.subtle.sign(ALGORITHM, privateKey, new TextEncoder().encode(signingInput));
  return `${signingInput}.${encode(new Uint8Array(signature))}`;
}

/**
 * Checks the header and the signature of a token of the server under the keys that are known.
 * @param {string} text
 * @param {string} typ
 * @param {import("./types").ServerKey[]} keys
 * @returns {Promise<Record<string, unknown>>} its claims, of which only the signer is sure
 * @throws {Unbelievable}
 */
export async function claimsOf(text, typ, keys) {
  const jws = parse(text);
  checkHeader(jws, typ);
  const key = keys.find(({ kid }) => kid === jws.header.kid);
  if (key === undefined) throw new Unbelievable("unknown-key", `signed by an unknown key ${jws.header.kid}`.slice(0, 99));
  if (!(await verify(jws, key))) throw new Unbelievable("refuse", "the signature does not hold");
  return jws.claims;
}

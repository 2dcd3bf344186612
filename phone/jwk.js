// P-256 public keys as JWK (RFC 7517, RFC 7518 section 6.2) and their thumbprints (RFC 7638).

import { decode, encode } from "./base64url.js";
import { isObject } from "./json.js";

/** @typedef {import("./types").Account["publicJwk"]} PublicJwk */
/** @typedef {import("./types").ServerKey} ServerKey */

/** How all keys here are used. */
export const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/**
 * Whether a value has the members of a public P-256 key: coordinates of 32 bytes each. Whether the point is on the
 * curve is asked by `importPublic`.
 * @param {unknown} value
 * @returns {value is PublicJwk}
 */
export function isPublic(value) {
  if (!isObject(value) || value.kty !== "EC" || value.crv !== "P-256" || "d" in value) return false;
  return isCoordinate(value.x) && isCoordinate(value.y);
}

/** @param {unknown} text */
function isCoordinate(text) {
  if (typeof text !== "string") return false;
  try {
    return decode(text).length === 32;
  } catch {
    return false;
  }
}

/**
 * The key, fit to verify signatures.
 * @param {PublicJwk} jwk further members do not count
 * @returns {Promise<CryptoKey>}
 * @throws {SyntaxError} for another kind of key, and for a point that is not on the curve.
 */
export async function importPublic(jwk) {
  if (!isPublic(jwk)) throw new SyntaxError("not a public P-256 key");
  const { kty, crv, x, y } = jwk;
  try {
    return await crypto.subtle.importKey("jwk", { kty, crv, x, y }, ALGORITHM, true, ["verify"]);
  } catch {
    throw new SyntaxError("not a point of P-256");
  }
}

/**
 * The public half of a new key, with the four members that the server takes (wire contract, section 4).
 * @param {CryptoKey} key
 * @returns {Promise<PublicJwk>}
 */
export async function exportPublic(key) {
  const jwk = await crypto.subtle.exportKey("jwk", key);
  if (!isPublic(jwk)) throw new SyntaxError("not a public P-256 key");
  return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y };
}

/**
 * The name of a key by RFC 7638: SHA-256 of its required members, in base64url.
 * @param {PublicJwk} jwk
 * @returns {Promise<string>}
 */
export async function thumbprint({ crv, kty, x, y }) {
  const text = JSON.stringify({ crv, kty, x, y });
  return encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

/**
 * The keys in a JWK set of the server that can be used here; others are left out.
 * @param {unknown} set an RFC 7517 set
 * @returns {ServerKey[]}
 */
export function serverKeys(set) {
  if (!isObject(set) || !Array.isArray(set.keys)) return [];
  return set.keys.filter(isServerKey).map(({ kty, crv, x, y, kid }) => ({ kty, crv, x, y, kid }));
}

/**
 * @param {unknown} key
 * @returns {key is ServerKey}
 */
function isServerKey(key) {
  if (!isObject(key) || typeof key.kid !== "string") return false;
  const isForSigning = (key.alg ?? "ES256") === "ES256" && (key.use ?? "sig") === "sig";
  return isForSigning && isPublic(key);
}

// The proof that this phone sends with each request: DPoP (RFC 9449 section 4) without an access token.

import { encode } from "./base64url.js";
import * as clock from "./clock.js";
import { sign } from "./jws.js";

/** @typedef {import("./types").Account} Account */

const TYP = "dpop+jwt";

/**
 * Whoever has a key and talks to an issuer: an account, or a phone that is about to become one.
 * @typedef {Pick<Account, "issuer" | "keys" | "publicJwk" | "clockOffset"> & { deviceId?: string }} Signer
 */

/**
 * Makes a proof for one request. Each has an id of its own, 128 random bits.
 * @param {Signer} signer
 * @param {string} method
 * @param {string} path as sent, without query
 * @returns {Promise<string>} a compact JWS
 */
export async function make(signer, method, path) {
  const jti = encode(crypto.getRandomValues(new Uint8Array(16)));
  const claims = { jti, htm: method, htu: signer.issuer + path, iat: clock.now(signer) };
  return sign({ typ: TYP, jwk: signer.publicJwk }, claims, signer.keys.privateKey);
}

// The signed response (wire contract, section 6.2): what the person said.

import { encode } from "./base64url.js";
import * as clock from "./clock.js";
import { sign } from "./jws.js";

const TYP = "gatematch-response+jwt";

/**
 * The claims of a response. The number goes in only to approve, and only where one was asked for.
 * @param {import("./types").SignInRequest} request
 * @param {import("./types").Decision} decision
 * @param {string | null} number the digits as typed
 * @param {number} now the server's time in seconds since the epoch
 */
export async function claims({ account, id, jws, digits }, decision, number, now) {
  const isMatched = decision === "approve" && digits !== null && number !== null;
  return {
    iss: account.deviceId,
    aud: account.issuer,
    jti: id,
    iat: now,
    challenge: await digest(jws),
    decision,
    ...(isMatched ? { number } : {}),
    uv: "none",
  };
}

/**
 * Makes the response. Only ever called because a person touched the screen.
 * @param {import("./types").SignInRequest} request
 * @param {import("./types").Decision} decision
 * @param {string | null} number
 * @returns {Promise<string>} a compact JWS
 */
export async function make(request, decision, number) {
  const { deviceId, keys } = request.account;
  const said = await claims(request, decision, number, clock.now(request.account));
  return sign({ typ: TYP, kid: deviceId }, said, keys.privateKey);
}

/**
 * base64url(SHA-256(the challenge JWS in ASCII)).
 * @param {string} jws
 */
async function digest(jws) {
  return encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(jws))));
}

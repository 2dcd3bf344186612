// A server that says to a phone what a test wants it to say, and notes what it was asked.

import { webcrypto } from "node:crypto";

// Node 18 has it, but not by this name.
globalThis.crypto ??= webcrypto;

const ISSUER = "https://mfa.example.com";
export const DEVICE = "019b76a3-b980-7101-8101-010101010101";
const KID = "019b76a3-b980-7707-8707-070707070707";
const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Puts the globals of a browser in place, which shows the app of this server. @param {any} indexedDB */
export function openApp(indexedDB) {
  const set = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  set("location", new URL(`${ISSUER}/app/`));
  set("navigator", { userAgent: "Android", language: "en", maxTouchPoints: 1 });
  set("indexedDB", indexedDB);
}

/** @param {Record<string, any>} modules `jws` and `jwk` of the phone */
export async function fakeServer({ jws, jwk }) {
  const pair = await crypto.subtle.generateKey(P256, false, ["sign", "verify"]);
  const published = { keys: [{ ...(await jwk.exportPublic(pair.publicKey)), kid: KID, alg: "ES256", use: "sig" }] };
  const asked = [];
  const routes = new Map([
    ["GET /.well-known/gatematch", () => ({
      issuer: ISSUER, name: "Contoso", jwks_uri: `${ISSUER}/.well-known/jwks.json`, vapid_public_key: "AA",
      api_version: "1",
    })],
    ["GET /.well-known/jwks.json", () => published],
  ]);

  globalThis.fetch = async (url, init) => {
    const { origin, pathname, search } = new URL(url);
    const { method, headers = {}, body } = init;
    asked.push({ origin, method, path: pathname + search, proof: headers.DPoP, init, body: body && JSON.parse(body) });
    const found = await routes.get(`${method} ${pathname}`)?.(asked.at(-1)) ?? problem(404, "not-found");
    if (found instanceof Response) return found;
    return new Response(JSON.stringify(found), { headers: { date: new Date().toUTCString() } });
  };

  return {
    issuer: ISSUER, kid: KID, published, routes, asked,
    sign: (typ, claims, kid = KID) => jws.sign({ typ, kid }, claims, pair.privateKey),
    challenge(id, changed = {}) {
      const now = Math.floor(Date.now() / 1000);
      return this.sign("gatematch-challenge+jwt", {
        iss: ISSUER, aud: DEVICE, sub: "ada", jti: id, iat: now, exp: now + 60, nonce: "AAECAwQFBgcICQoLDA0ODw",
        app: "Remote Desktop", gateway: "rdg01", client: { ip: "198.51.100.7", name: "LAPTOP-7" },
        match: { kind: "number", digits: 3 }, ...changed,
      });
    },
    enrolls() {
      routes.set("POST /v1/devices", () => (
        { device_id: DEVICE, user: "ada", issuer: ISSUER, status: "active", server_keys: published }));
    },
  };
}

/** A refusal of the server. */
export function problem(status, code, more = {}) {
  const body = { type: `urn:gatematch:problem:${code}`, title: "", status, detail: "It is so.", code, ...more };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}

/** No answer. */
export function lost() {
  throw new TypeError("fetch failed");
}

// A phone becomes an account, and ceases to be one (wire contract, section 4).

import * as api from "./api.js";
import { encode } from "./base64url.js";
import { isId } from "./claims.js";
import * as database from "./database.js";
import { isObject } from "./json.js";
import { ALGORITHM, exportPublic, serverKeys } from "./jwk.js";
import { published } from "./keys.js";
import { defaultDeviceName, platform } from "./platform.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./database.js").Pending} Pending */
/** @typedef {import("./api.js").Site} Site */

/** What stands between issuer and token in an enrollment link. */
const LINK_PATH = "/app/#enroll=";
/** A token has 128 random bits or more: 22 characters of base64url. */
const TOKEN = /^[A-Za-z0-9._~-]{22,256}$/;
const SELF = "/v1/devices/self";
/** Refusals of a proof that can only mean that nothing was done. */
const PLAIN = ["credential-missing", "credential-invalid"];
/** For how long the key of an enrollment with an unknown end is kept, in milliseconds. */
const DAY = 86_400_000;

/**
 * Reads an enrollment link, or the bare token in one.
 * @param {string} text as scanned, pasted or found in the address
 * @returns {{ issuer: string, token: string } | { elsewhere: string } | null} `elsewhere`: another server's origin,
 *   whose own app must be opened; null: no link at all
 */
export function readLink(text) {
  const trimmed = text.trim();
  if (TOKEN.test(trimmed)) return { issuer: api.home(), token: trimmed };
  const [issuer, token, more] = trimmed.split(LINK_PATH);
  if (token === undefined || more !== undefined || !TOKEN.test(token)) return null;
  const address = addressOf(issuer);
  if (address === null) return null;
  return address.origin === location.origin ? { issuer, token } : { elsewhere: address.origin };
}

/**
 * @param {string} issuer
 * @returns {URL | null} null for what is no plain web address
 */
function addressOf(issuer) {
  try {
    const { protocol, username, password, search } = new URL(issuer);
    const isPlain = /^https?:$/.test(protocol) && username + password + search === "";
    return isPlain ? new URL(issuer) : null;
  } catch {
    return null;
  }
}

/**
 * Enrolls this phone. A refusal leaves nothing behind. Where the answer was lost, the key stays, so that a second try
 * with the same token finds out whether the first had succeeded.
 * @param {string} token
 * @param {string} name what the person calls this phone, at most 64 characters; empty: a name is found
 * @returns {Promise<Account>} which is kept already
 * @throws {api.Problem} `enrollment-gone` (410), `too-many-devices` (409), `wrong-issuer`, `invalid-value` (422) ...
 * @throws {database.StorageFault} Try again with the same token.
 * @throws {api.Offline} Try again with the same token.
 */
export async function enroll(token, name) {
  const site = await api.discover();
  const pending = await keyFor(token);
  const signer = { issuer: site.issuer, keys: pending.keys, publicJwk: pending.publicJwk, clockOffset: 0 };
  try {
    const answer = await registerOrFind(token, name.trim() || defaultDeviceName(), pending, signer, site);
    const account = accountOf(answer, signer, site);
    await database.settle(pending.token, account);
    await database.persist();
    return account;
  } catch (fault) {
    if (isFinal(fault)) await database.removePending(pending.token);
    throw fault;
  }
}

/**
 * The key that was made for this token before, else a new one.
 * @param {string} token
 * @returns {Promise<Pending>}
 */
async function keyFor(token) {
  const hash = encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))));
  await database.removePendingBefore(Date.now() - DAY);
  const found = await database.pending(hash);
  if (found !== undefined) return found;
  const keys = await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
  return { token: hash, keys, publicJwk: await exportPublic(keys.publicKey), madeAt: Date.now(), sent: false };
}

/**
 * What the server says of this phone, new or found again.
 * @typedef {object} Registered
 * @property {unknown} device_id
 * @property {unknown} user
 * @property {unknown} issuer
 * @property {unknown} status
 * @property {unknown} code
 * @property {unknown} name
 * @property {import("./types").ServerKey[]} keys
 */

/**
 * @param {string} token
 * @param {string} name
 * @param {Pending} pending
 * @param {import("./proof.js").Signer} signer
 * @param {Site} site
 * @returns {Promise<Registered>}
 */
async function registerOrFind(token, name, pending, signer, site) {
  await database.putPending({ ...pending, sent: true });
  const message = { enrollment_token: token, public_key: pending.publicJwk, name, platform: platform() };
  try {
    const answer = await api.call(signer, "POST", "/v1/devices", message);
    const { device_id, user, issuer, status, code, server_keys } = record(answer);
    return { device_id, user, issuer, status, code, name, keys: serverKeys(server_keys) };
  } catch (fault) {
    if (isUnclear(fault)) return find(new api.Offline(), signer, site);
    const isTaken = fault instanceof api.Problem && ["enrollment-gone", "device-exists"].includes(fault.code);
    if (!pending.sent || !isTaken) throw fault;
    return find(fault, signer, site);
  }
}

/**
 * Asks whether the phone was added all the same. The code of an unconfirmed phone is lost then: it comes once.
 * @param {Error} refusal of this try
 * @param {import("./proof.js").Signer} signer
 * @param {Site} site
 * @returns {Promise<Registered>}
 * @throws {api.Problem | api.Offline} `refusal`, where it was not.
 */
async function find(refusal, signer, site) {
  try {
    const { id, user, status, name } = record(await api.call(signer, "GET", SELF));
    return { device_id: id, user, issuer: site.issuer, status, code: null, name, keys: await published(site) };
  } catch (fault) {
    throw api.isGone(fault) ? refusal : fault;
  }
}

/**
 * @param {unknown} answer
 * @returns {Record<string, unknown>}
 */
function record(answer) {
  return isObject(answer) ? answer : {};
}

/**
 * @param {Registered} registered
 * @param {import("./proof.js").Signer} signer
 * @param {Site} site
 * @returns {Account}
 */
function accountOf({ device_id, user, issuer, status, code, name, keys }, signer, site) {
  if (issuer !== site.issuer) throw new api.Problem(0, "wrong-issuer", "The server gave another address than its own.");
  const areTexts = typeof user === "string" && typeof name === "string";
  if (!isId(device_id) || !areTexts || !isStatus(status) || keys.length === 0) throw unreadable();
  return {
    deviceId: device_id,
    user,
    ...signer,
    company: site.name,
    deviceName: name,
    status,
    removed: false,
    code: typeof code === "string" ? code : null,
    serverKeys: keys,
    enrolledAt: Date.now(),
    pushEndpoint: null,
    pushWanted: false,
    lastSignIn: null,
    seenNotices: [],
  };
}

/**
 * @param {unknown} status
 * @returns {status is Account["status"]}
 */
function isStatus(status) {
  return status === "active" || status === "unconfirmed";
}

function unreadable() {
  return new api.Problem(0, "unreadable-answer", "The server's answer is not understood.");
}

/**
 * Whether a 401 leaves open what became of it: browsers send a request twice, and the second copy is `proof-replayed`.
 * @param {unknown} fault
 */
function isUnclear(fault) {
  return fault instanceof api.Problem && fault.status === 401 && !PLAIN.includes(fault.code);
}

/**
 * Whether a failed enrollment has certainly made no phone of this one.
 * @param {unknown} fault
 */
function isFinal(fault) {
  if (!(fault instanceof api.Problem) || isUnclear(fault)) return false;
  return fault.status >= 400 && fault.status < 500 && fault.status !== 429;
}

/**
 * Takes this phone away from the account, there and here. Where the server does not, or did not know it any more, here.
 * @param {Account} account
 * @returns {Promise<void>}
 * @throws {api.Offline | api.Problem} Nothing was removed, or the server has removed it and this phone not yet.
 */
export async function leave(account) {
  try {
    await api.call(account, "DELETE", SELF);
  } catch (fault) {
    const isUnknown = api.isGone(fault) || (fault instanceof api.Problem && fault.code === "not-found");
    if (!isUnknown && !account.removed) throw fault;
  }
  await database.remove(account.deviceId);
}

/**
 * Asks how the server sees this phone, and keeps what changed: that it was confirmed or removed, its name, and that the
 * server has no push subscription of it.
 * @param {Account} account
 * @returns {Promise<{ status: "active" | "unconfirmed" | "gone", push: boolean }>}
 * @throws {api.Offline | api.Problem}
 */
export async function refresh(account) {
  try {
    const { status, push, name, user } = record(await api.call(account, "GET", SELF));
    if (!isStatus(status) || typeof push !== "boolean" || typeof name !== "string") throw unreadable();
    await database.amend(account, (kept) => {
      kept.status = status;
      kept.removed = false;
      if (status === "active") kept.code = null;
      kept.deviceName = name;
      if (typeof user === "string") kept.user = user;
      if (!push) kept.pushEndpoint = null;
    });
    return { status, push };
  } catch (fault) {
    if (!api.isGone(fault)) throw fault;
    await markRemoved(account);
    return { status: "gone", push: false };
  }
}

/**
 * Keeps that the server does not know this phone any more. The key stays: the server may be mistaken.
 * @param {Account} account
 * @returns {Promise<void>}
 */
export async function markRemoved(account) {
  await database.amend(account, (kept) => {
    kept.removed = true;
  });
}

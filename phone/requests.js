// Sign-ins that wait for an answer of this phone, and the answer (wire contract, sections 6.1 and 6.2).
// `answer` is for a person's touch alone. The service worker must never import this module.

import * as api from "./api.js";
import * as challenge from "./challenge.js";
import * as clock from "./clock.js";
import { amend } from "./database.js";
import { isObject } from "./json.js";
import { Unbelievable } from "./jws.js";
import { checker } from "./keys.js";
import * as response from "./response.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").SignInRequest} SignInRequest */
/** @typedef {import("./types").Outcome} Outcome */
/** @typedef {import("./types").Decision} Decision */

/**
 * What was found for one account.
 * @typedef {object} Found
 * @property {"asked" | "gone" | "silent"} account `silent`: the server could not be asked
 * @property {SignInRequest[]} requests
 * @property {string[]} disbelieved
 */

/**
 * Looks for requests, in all accounts at once.
 * @param {Account[]} accounts
 * @param {number} waitSeconds how long to wait for the first request where there is none, 0 to 60
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types").Look>} requests with the oldest first
 * @throws the reason of `signal`, and nothing else that the network does.
 */
export async function look(accounts, waitSeconds, signal) {
  const isRace = accounts.length > 1 && waitSeconds > 0;
  if (isRace) await firstOf(accounts, waitSeconds, signal);
  const wait = isRace ? 0 : waitSeconds;
  const found = await Promise.all(accounts.map((account) => lookIn(account, wait, signal)));
  const offsets = accounts.map(({ clockOffset }) => clockOffset);
  return {
    requests: found.flatMap(({ requests }) => requests).sort((a, b) => a.askedAt - b.askedAt),
    gone: accounts.filter((_, index) => found[index].account === "gone"),
    offline: accounts.length > 0 && found.every(({ account }) => account === "silent"),
    clockOffset: offsets.reduce((most, offset) => (Math.abs(offset) > Math.abs(most) ? offset : most), 0),
    disbelieved: found.flatMap(({ disbelieved }) => disbelieved),
  };
}

/**
 * Waits until one account has a request, or all have been asked in vain.
 * @param {Account[]} accounts
 * @param {number} wait seconds
 * @param {AbortSignal} [signal]
 */
async function firstOf(accounts, wait, signal) {
  const end = new AbortController();
  const stop = () => end.abort();
  signal?.addEventListener("abort", stop);
  const waiting = accounts.map(async (account) => {
    const { requests } = await lookIn(account, wait, end.signal);
    if (requests.length === 0) throw new Error("nothing waits");
  });
  try {
    await Promise.any(waiting).catch(() => undefined);
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
  signal?.throwIfAborted();
}

/**
 * @param {Account} account
 * @param {number} wait seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<Found>}
 */
async function lookIn(account, wait, signal) {
  const path = `/v1/devices/self/challenges${wait > 0 ? `?wait=${wait}` : ""}`;
  try {
    const answer = await api.call(account, "GET", path, undefined, signal);
    return await readAll(account, isObject(answer) && Array.isArray(answer.items) ? answer.items : []);
  } catch (fault) {
    if (api.isGone(fault)) return { account: "gone", requests: [], disbelieved: [] };
    if (fault instanceof api.Problem || fault instanceof api.Offline) {
      return { account: "silent", requests: [], disbelieved: [] };
    }
    throw fault;
  }
}

/**
 * @param {Account} account
 * @param {unknown[]} items
 * @returns {Promise<Found>}
 */
async function readAll(account, items) {
  /** @type {Found} */
  const found = { account: "asked", requests: [], disbelieved: [] };
  const checked = checker(account);
  for (const item of items) {
    try {
      found.requests.push(await checked(() => readOne(account, item)));
    } catch (fault) {
      if (!isRefusal(fault)) throw fault;
      found.disbelieved.push(fault.message);
    }
  }
  return found;
}

/**
 * @param {unknown} fault
 * @returns {fault is Error}
 */
function isRefusal(fault) {
  return fault instanceof Unbelievable || fault instanceof api.Problem || fault instanceof api.Offline;
}

/**
 * @param {Account} account
 * @param {unknown} item
 * @returns {Promise<SignInRequest>}
 * @throws {Unbelievable}
 */
async function readOne(account, item) {
  const { id, challenge: jws } = isObject(item) ? item : {};
  if (typeof jws !== "string") throw new Unbelievable("malformed", "a challenge is missing");
  const read = await challenge.check(jws, { ...account, now: clock.now(account) });
  if (read.id !== id) throw new Unbelievable("refuse", "it stands under another id than its own");
  return { ...read, askedAt: 1000 * read.askedAt, expiresAt: 1000 * read.expiresAt, account, jws };
}

/**
 * The challenges to which this phone has sent an approval. Whatever comes after it, a copy that the browser itself sent
 * too, is met by a 409, which tells this phone the reason of its deny, but of an approval only that there is one.
 * @type {Set<string>}
 */
const approved = new Set();

/**
 * Answers a request. After `offline` the same answer may be given again.
 * @param {SignInRequest} request
 * @param {Decision} decision
 * @param {string | null} number the digits as typed, to approve where `request.digits` says so; kept nowhere
 * @returns {Promise<Outcome>}
 */
export async function answer(request, decision, number) {
  if (decision === "approve" && request.digits !== null && !isNumber(number, request.digits)) {
    return { kind: "refused", code: "malformed-number", detail: `The number has ${request.digits} digits.` };
  }
  const signed = await response.make(request, decision, number);
  if (decision === "approve") approved.add(request.id);
  const outcome = await post(request, signed);
  if (outcome.kind !== "approved") return outcome;
  if (decision !== "approve") return { kind: "over", state: "approved", mine: true };
  await remember(request);
  return outcome;
}

/**
 * @param {string | null} number
 * @param {number} digits
 */
function isNumber(number, digits) {
  return number !== null && number.length === digits && /^[0-9]+$/.test(number);
}

/**
 * @param {SignInRequest} request
 * @param {string} signed
 * @returns {Promise<Outcome>}
 */
async function post({ id, account }, signed) {
  try {
    const url = `${account.issuer}/v1/challenges/${id}/response`;
    const answered = await api.callOpenly(url, "POST", { response: signed });
    const { status, reason } = isObject(answered) ? answered : {};
    return decided(status, reason) ?? over(status);
  } catch (fault) {
    if (fault instanceof api.Offline) return { kind: "offline" };
    if (fault instanceof api.Problem) return refused(fault, approved.has(id));
    throw fault;
  }
}

/**
 * What a state means, where this phone has brought it about.
 * @param {unknown} state
 * @param {unknown} reason
 * @returns {Outcome | null} null for a state that no phone brings about
 */
function decided(state, reason) {
  if (state === "approved" || state === "redeemed") return { kind: "approved" };
  if (state !== "denied") return null;
  if (reason === "user") return { kind: "denied" };
  if (reason === "reported") return { kind: "reported" };
  return reason === "wrong-number" ? { kind: "wrong-number" } : null;
}

/**
 * @param {api.Problem} problem
 * @param {boolean} isApproved by this phone, as far as it knows
 * @returns {Outcome}
 */
function refused({ status, code, detail, more }, isApproved) {
  if (code === "expired" || code === "not-found") return { kind: "expired" };
  if (code === "response-not-authentic") return { kind: "gone" };
  if (status !== 409) return { kind: "refused", code, detail };
  const { state, reason } = more;
  const isOurs = typeof reason === "string" || isApproved;
  return (isOurs ? decided(state, reason) : null) ?? over(state);
}

/**
 * To a person an approval that was spent is an approval.
 * @param {unknown} state
 * @returns {Outcome}
 */
function over(state) {
  return { kind: "over", state: state === "redeemed" ? "approved" : String(state) };
}

/**
 * Keeps what was approved for the home screen. A disk that is full does not undo an approval.
 * @param {SignInRequest} request
 */
async function remember({ account, application, gateway }) {
  const lastSignIn = { at: Date.now(), application, gateway };
  await amend(account, (kept) => {
    kept.lastSignIn = lastSignIn;
  }).catch(() => undefined);
}

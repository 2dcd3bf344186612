// Requests to the server: always to this app's own origin, without cookies, with a time limit.

import * as clock from "./clock.js";
import { isObject } from "./json.js";
import * as proof from "./proof.js";

/** @typedef {import("./proof.js").Signer} Signer */

/**
 * What the server says of itself (wire contract, section 3).
 * @typedef {object} Site
 * @property {string} issuer
 * @property {string} name the company's
 * @property {string} jwks_uri
 * @property {string} vapid_public_key base64url
 */

/** How long an answer may take, in milliseconds, beside the time that the server was asked to wait. */
const LIMIT = 15_000;

/** The server refused, or answered what nobody understands. */
export class Problem extends Error {
  /**
   * @param {number} status of HTTP; 0 where this phone itself refuses
   * @param {string} code stable, kebab-case (wire contract, section 1)
   * @param {string} detail one sentence for people, in English
   * @param {Record<string, unknown>} more further members, such as `state`
   * @param {number} wait for how long the server asks to be left alone, in milliseconds; 0 where it does not say
   */
  constructor(status, code, detail, more = {}, wait = 0) {
    super(`${status} ${code}: ${detail}`);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.more = more;
    this.wait = wait;
  }
}

/** No answer came: no network, no server, or too late. Whether the server has acted is not known. */
export class Offline extends Error {
  constructor() {
    super("no answer from the server");
    this.name = "Offline";
  }
}

/**
 * The root of the server that this app came from, without a slash at the end. The app lies in `<issuer>/app/`.
 * @returns {string}
 */
export function home() {
  return new URL("..", location.href).href.replace(/\/$/, "");
}

/**
 * Asks the server who it is.
 * @returns {Promise<Site>}
 * @throws {Problem | Offline} `wrong-issuer`: the server is set up for another address than this app came from.
 */
export async function discover() {
  const { body } = await send(`${home()}/.well-known/gatematch`, { method: "GET" });
  if (!isSite(body)) throw new Problem(0, "unreadable-answer", "This is no Gatematch server.");
  return { ...body, issuer: ours(body.issuer) };
}

/**
 * Sends a request with a proof. Where the server finds the proof's time wrong and tells its own, the difference is kept
 * in the account and the request sent once more; likewise, but for POST, where the browser itself has sent it twice.
 * @param {Signer} account
 * @param {string} method
 * @param {string} path from the issuer on, with query; `wait` in it adds to the time limit
 * @param {unknown} [body] JSON
 * @param {AbortSignal} [signal]
 * @returns {Promise<unknown>} the JSON of the answer, null where it has none
 * @throws {Problem | Offline} or the reason of `signal`.
 */
export async function call(account, method, path, body, signal) {
  try {
    return await callOnce(account, method, path, body, signal);
  } catch (fault) {
    if (!(fault instanceof Problem)) throw fault;
    if (fault.code === "stale-proof") await clock.learn(account, String(fault.more.server_time));
    else if (fault.code !== "proof-replayed" || method === "POST") throw fault;
    return callOnce(account, method, path, body, signal);
  }
}

/**
 * Sends a request without a proof. One with a body goes out even where the app is closed at once.
 * @param {string} url of this app's own origin
 * @param {string} method
 * @param {unknown} [body] JSON
 * @returns {Promise<unknown>} as `call`
 * @throws {Problem | Offline}
 */
export async function callOpenly(url, method, body) {
  return (await send(url, { method, ...json(body), keepalive: body !== undefined })).body;
}

/**
 * Whether a refusal means that the server does not know this phone any more.
 * @param {unknown} fault
 * @returns {boolean}
 */
export function isGone(fault) {
  return fault instanceof Problem && fault.status === 401 && fault.code === "credential-invalid";
}

/**
 * @param {Signer} account
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 */
async function callOnce(account, method, path, body, signal) {
  const [bare, query = ""] = path.split("?");
  const wait = 1000 * Number(new URLSearchParams(query).get("wait") ?? 0);
  const { headers, ...content } = json(body);
  const dpop = await proof.make(account, method, bare);
  const request = { method, ...content, headers: { ...headers, DPoP: dpop } };
  const answer = await send(ours(account.issuer) + path, request, wait, signal);
  await clock.learn(account, answer.date, answer.took);
  return answer.body;
}

/**
 * @param {unknown} body
 * @returns {{ headers?: Record<string, string>, body?: string }}
 */
function json(body) {
  if (body === undefined) return {};
  return { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/**
 * The issuer, where it is at this app's own origin.
 * @param {string} issuer
 */
function ours(issuer) {
  if (originOf(issuer) === location.origin && !issuer.endsWith("/")) return issuer;
  throw new Problem(0, "wrong-issuer", `This app comes from ${location.origin}, its server calls itself ${issuer}.`);
}

/** @param {string} url */
function originOf(url) {
  try {
    return new URL(url).origin;
  } catch {
    return null;
  }
}

/**
 * @param {string} url
 * @param {RequestInit} request
 * @param {number} [wait] milliseconds on top of the limit
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ body: unknown, date: string | null, took: number }>}
 */
async function send(url, request, wait = 0, signal) {
  if (originOf(url) !== location.origin) throw new Problem(0, "wrong-origin", "No other server is ever asked.");
  signal?.throwIfAborted();
  const end = new AbortController();
  const stop = () => end.abort();
  const begun = performance.now();
  const timer = setTimeout(stop, LIMIT + wait);
  signal?.addEventListener("abort", stop);
  try {
    const response = await fetch(url, { ...STRICT, ...request, signal: end.signal });
    return { ...read(response, await response.text()), took: performance.now() - begun };
  } catch (fault) {
    signal?.throwIfAborted();
    throw fault instanceof Problem ? fault : new Offline();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** @type {RequestInit} */
const STRICT = {
  credentials: "omit",
  cache: "no-store",
  redirect: "error",
  mode: "same-origin",
  referrerPolicy: "no-referrer",
};

/**
 * @param {Response} response
 * @param {string} text
 */
function read(response, text) {
  const body = text === "" ? null : parsed(text);
  if (response.ok && body !== undefined) return { body, date: response.headers.get("date") };
  if (response.ok) throw new Problem(response.status, "unreadable-answer", "The answer is no JSON.");
  const { code, detail, ...more } = isObject(body) ? body : {};
  const isProblem = typeof code === "string" && typeof detail === "string";
  const wait = 1000 * Number(response.headers.get("retry-after")) || 0;
  if (isProblem) throw new Problem(response.status, code, detail, more, wait);
  throw new Problem(response.status, `http-${response.status}`, "Something between here and the server answered.");
}

/**
 * @param {string} text
 * @returns {unknown} undefined for what is no JSON
 */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {unknown} body
 * @returns {body is Site}
 */
function isSite(body) {
  const isText = (/** @type {string} */ name) => isObject(body) && typeof body[name] === "string";
  return ["issuer", "name", "jwks_uri", "vapid_public_key"].every(isText);
}

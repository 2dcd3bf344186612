// Web Push: whether this phone rings when somebody signs in (wire contract, section 7). A sign-in never depends on it.

import * as api from "./api.js";
import { decode, encode } from "./base64url.js";
import { amend, persist } from "./database.js";
import { isIphoneInBrowser } from "./platform.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").PushState} PushState */

const PATH = "/v1/devices/self/push";
const WORKER = "sw.js";
/** How long the browser may take to reach its push service, in milliseconds. */
const LIMIT = 20_000;

/** The browser has no way to its push service now. */
class Unreachable extends Error {}

/**
 * Whether this phone rings, without asking anybody.
 * @param {Account[]} accounts
 * @returns {Promise<PushState>} `on` where every account's server was told the subscription that there is
 */
export async function state(accounts) {
  const obstacle = obstacleHere();
  if (obstacle !== null) return obstacle;
  const registration = await navigator.serviceWorker.getRegistration("./");
  const subscription = (await registration?.pushManager.getSubscription()) ?? null;
  const isOn = subscription !== null && Notification.permission === "granted" && accounts.length > 0;
  return isOn && accounts.every(({ pushEndpoint }) => pushEndpoint === subscription.endpoint) ? "on" : "off";
}

/**
 * Turns notifications on, for every account. Must be called by a person's touch, for it may ask him.
 * @param {Account[]} accounts
 * @returns {Promise<PushState>}
 * @throws {api.Problem} `invalid-push-subscription` (422): the server does not allow this browser's push service.
 * @throws {api.Offline}
 */
export async function turnOn(accounts) {
  const obstacle = obstacleHere();
  if (obstacle !== null) return obstacle;
  const permission = await Notification.requestPermission();
  if (permission !== "granted") return permission === "denied" ? "blocked" : "off";
  await persist();
  return ring(accounts, false);
}

/**
 * Turns notifications off, for every account. Where a server cannot be told, its push service tells it.
 * @param {Account[]} accounts
 * @returns {Promise<PushState>}
 */
export async function turnOff(accounts) {
  const quiet = accounts.map((account) => amend(account, (kept) => {
    kept.pushEndpoint = null;
    kept.pushWanted = false;
  }));
  await Promise.all(quiet);
  await unsubscribe();
  await Promise.all(accounts.map((account) => api.call(account, "PUT", PATH, null).catch(() => null)));
  return state(accounts);
}

/**
 * Repairs what has been turned on, at each start after `refresh`: a subscription that the browser or the server lost,
 * that was made for another key, or that an account's server was not told. Without accounts, it ends.
 * @param {Account[]} accounts
 * @returns {Promise<PushState>}
 * @throws {api.Problem} as `turnOn`.
 */
export async function keep(accounts) {
  // Without a worker the app opens with a network only, which is no reason not to open it.
  await register().catch(() => undefined);
  const obstacle = obstacleHere();
  if (obstacle !== null) return obstacle;
  try {
    if (accounts.length === 0) await unsubscribe();
    const isWanted = accounts.some(({ pushWanted }) => pushWanted) && Notification.permission === "granted";
    const isLost = accounts.some(({ pushWanted, pushEndpoint }) => pushWanted && pushEndpoint === null);
    return isWanted ? await ring(accounts, isLost) : await state(accounts);
  } catch (fault) {
    if (fault instanceof api.Offline) return state(accounts);
    throw fault;
  }
}

/**
 * Does what the service worker says: `look`, a push has come; `renew`, the subscription has ended.
 * @param {Record<string, () => void>} deeds
 */
export function obey(deeds) {
  navigator.serviceWorker?.addEventListener("message", ({ data }) => deeds[data?.type]?.());
}

/**
 * Takes away the notifications of a request that is over.
 * @param {string} tag its id
 */
export async function hush(tag) {
  const registration = await navigator.serviceWorker?.getRegistration("./").catch(() => undefined);
  const shown = await registration?.getNotifications?.({ tag }).catch(() => []);
  shown?.forEach((notification) => notification.close());
}

/** @returns {PushState | null} why this phone cannot ring, as far as the browser tells at once */
function obstacleHere() {
  if (isIphoneInBrowser()) return "install-first";
  const isAble = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  if (!isAble) return "unsupported";
  return Notification.permission === "denied" ? "blocked" : null;
}

/** @typedef {{ createScriptURL(name: string): string }} ScriptPolicy */
/** @typedef {{ createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy }} TrustedTypes */

/** The one script that this page starts, for browsers that want a policy for each (Trusted Types). */
const scripts = /** @type {{ trustedTypes?: TrustedTypes }} */ (globalThis).trustedTypes?.createPolicy("gatematch", {
  createScriptURL(name) {
    if (name !== WORKER) throw new TypeError(`${name} is no script of this app`);
    return name;
  },
});

/** The service worker, which also keeps the app for when there is no network. */
async function register() {
  const script = scripts?.createScriptURL(WORKER) ?? WORKER;
  await navigator.serviceWorker.register(script, { scope: "./", updateViaCache: "none" });
}

/**
 * Subscribes where need be, and tells the server for each account that it was not told for.
 * @param {Account[]} accounts
 * @param {boolean} anew whether a subscription that is there is of no use
 * @returns {Promise<PushState>}
 */
async function ring(accounts, anew) {
  try {
    const subscription = await subscribe(anew);
    for (const account of accounts) await tell(account, subscription);
    return "on";
  } catch (fault) {
    if (fault instanceof Unreachable) return "unreachable";
    if (fault instanceof DOMException && fault.name === "NotAllowedError") return "blocked";
    if (isNotAllowedByServer(fault)) await unsubscribe();
    throw fault;
  }
}

/**
 * A subscription for the server's key: the one that there is, or a new one.
 * @param {boolean} anew
 * @returns {Promise<PushSubscription>}
 * @throws {Unreachable | DOMException | api.Problem | api.Offline}
 */
async function subscribe(anew) {
  const { vapid_public_key } = await api.discover();
  await within(register());
  const { pushManager } = await within(navigator.serviceWorker.ready);
  const there = await pushManager.getSubscription();
  if (there !== null && !anew && keyOf(there) === vapid_public_key) return there;
  await there?.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: decode(vapid_public_key) };
  return within(pushManager.subscribe(options));
}

/**
 * What comes of `promise` within the limit.
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 * @throws {Unreachable | DOMException} `NotAllowedError`: the person or the browser says no.
 */
async function within(promise) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const end = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Unreachable()), LIMIT);
  });
  try {
    return await /** @type {Promise<T>} */ (Promise.race([promise, end]));
  } catch (fault) {
    const isRefused = fault instanceof DOMException && fault.name === "NotAllowedError";
    throw isRefused ? fault : new Unreachable();
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The key that a subscription was made for, base64url.
 * @param {PushSubscription} subscription
 */
function keyOf({ options }) {
  const key = options.applicationServerKey;
  return key === null ? null : encode(new Uint8Array(key));
}

/**
 * @param {Account} account
 * @param {PushSubscription} subscription
 */
async function tell(account, subscription) {
  const { endpoint } = subscription;
  if (account.pushEndpoint === endpoint) return;
  const keys = { p256dh: keyIn(subscription, "p256dh"), auth: keyIn(subscription, "auth") };
  await api.call(account, "PUT", PATH, { endpoint, keys });
  await amend(account, (kept) => {
    kept.pushEndpoint = endpoint;
    kept.pushWanted = true;
  });
}

/**
 * @param {PushSubscription} subscription
 * @param {PushEncryptionKeyName} name
 */
function keyIn(subscription, name) {
  return encode(new Uint8Array(subscription.getKey(name) ?? new ArrayBuffer(0)));
}

async function unsubscribe() {
  const registration = await navigator.serviceWorker?.getRegistration("./");
  const subscription = await registration?.pushManager?.getSubscription();
  await subscription?.unsubscribe();
}

/** @param {unknown} fault */
function isNotAllowedByServer(fault) {
  return fault instanceof api.Problem && fault.code === "invalid-push-subscription";
}

// The requests that wait. One is shown at a time, the newest first, and none takes the place of the one that is shown.

import { go, serverNow } from "./app.js";
import { hush } from "./push.js";
import { isInUse, onStage, sayOffline, sayWaiting } from "./stage.js";

/** @typedef {import("./types.js").Account} Account */
/** @typedef {import("./types.js").Look} Look */
/** @typedef {import("./types.js").SignInRequest} SignInRequest */

/** Screens that give way to a request by themselves; on the others a bar tells of it. */
const GIVE_WAY = ["home", "account", "ways", "add", "welcome"];

const givesWay = () => GIVE_WAY.includes(onStage()) && !isInUse();

/** @type {SignInRequest[]} */
let waiting = [];
/** @type {Look|null} */
let last = null;
/** @type {Set<string>} */
const settled = new Set();
/** The account of which it is to be said that this phone was removed. @type {Account|null} */
let gone = null;
/** Those of which it was said, as they were when it was found. @type {WeakSet<Account>} */
const told = new WeakSet();
/** The request that is shown, or whose answer may have been lost: no bar tells of it. */
let inHand = "";

/** What was found when this phone last looked. */
export const lastLook = () => last;

/** The requests that wait beside this one. @param {string} [id] */
export const others = (id) => waiting.filter((request) => request.id !== id).length;

/** Whether a request still waits. @param {string} id */
export const waits = (id) => waiting.some((request) => request.id === id);

/** This request is shown. @param {string} id */
export function hold(id) {
  inHand = id;
  attend();
}

/** No request is shown any more; one that still waits is told of. */
export function release() {
  inHand = "";
  queueMicrotask(attend);
}

/** This request is done with: it is not shown again. @param {string} id */
export function settle(id) {
  settled.add(id);
  drop(id);
}

/** This request seems to be over; should the server list it again, it is back. @param {string} id */
export function drop(id) {
  hush(id);
  waiting = waiting.filter((request) => request.id !== id);
}

/** Takes what was found. @param {Look} look */
export function take(look) {
  last = look;
  sayOffline(look.offline);
  if (!look.offline) {
    const unsettled = look.requests.filter(({ id }) => !settled.has(id));
    const open = unsettled.filter(({ account, expiresAt }) => expiresAt > serverNow(account));
    waiting = open.sort((a, b) => b.askedAt - a.askedAt);
  }
  const [lost] = look.gone;
  if (lost) lose(lost);
  else attend();
}

/** The server does not know this phone any more; it is said once, as soon as the screen gives way. @param {Account} account */
export function lose(account) {
  if (!told.has(account)) gone = account;
  attend();
}

/** Those that a bar may tell of. */
const behind = () => (onStage() === "request" ? [] : waiting.filter(({ id }) => id !== inHand));

function openNext() {
  const [next] = behind();
  if (next) go("request", next);
}

/** Says that this phone was removed, shows the newest request, or says that there is one. */
export function attend() {
  const [newest] = waiting;
  if (gone && givesWay()) {
    const lost = gone;
    gone = null;
    told.add(lost);
    return go("gone", lost);
  }
  if (newest && givesWay()) go("request", newest);
  else sayWaiting(behind().length, openNext);
}

// Looks for requests as long as the app is seen: at once when something may have happened, else by long waits.

import { look } from "./requests.js";

/** @typedef {import("./types.js").Account} Account */
/** @typedef {import("./types.js").Look} Look */

const LONG = 25; // seconds that the server may hold an answer back
const OFTEN = 2_000; // between two looks while a request is shown
const LEAST = 300; // between any two looks
const MOST = 30_000; // between two looks while they are of no use

/** What is found where looking itself fails. @type {Look} */
const NOTHING = { requests: [], gone: [], offline: true, clockOffset: 0, disbelieved: [] };

let fresh = true; // the next look waits for nothing
let pressing = false; // something waits here
let failures = 0;
let current = new AbortController();
let rouse = () => {};

/** Looks again now. */
export function wake() {
  fresh = true;
  failures = 0;
  current.abort();
  rouse();
}

/** @type {() => Promise<void>} */
const sleep = () => new Promise((resolve) => { rouse = resolve; });

/** @param {number} time */
async function pause(time) {
  if (fresh) return;
  const timer = setTimeout(() => rouse(), time);
  await sleep();
  clearTimeout(timer);
}

/** One look, or null where it was called off. @param {Account[]} accounts */
async function once(accounts) {
  current = new AbortController();
  const { signal } = current;
  const wait = fresh || pressing || failures ? 0 : LONG;
  fresh = false;
  try {
    const found = await look(accounts, wait, signal);
    return signal.aborted ? null : found;
  } catch {
    return signal.aborted ? null : NOTHING;
  }
}

/**
 * Looks for ever.
 * @param {() => Account[]} accounts whom to look for
 * @param {(look: Look) => void} heed is told what was found
 */
export async function watch(accounts, heed) {
  for (;;) {
    const asked = accounts();
    if (document.hidden || asked.length === 0) {
      await sleep();
      continue;
    }
    const found = await once(asked);
    if (!found) continue;
    failures = found.offline || found.disbelieved.length > 0 ? failures + 1 : 0;
    pressing = found.requests.length > 0;
    heed(found);
    await pause(rest(found, failures));
  }
}

/**
 * How long to wait for the next look. The server answers at once as long as it lists what this phone does not believe.
 * @param {Look} found
 * @param {number} count how many looks in a row were of no use, this one among them
 */
export function rest({ offline, requests, disbelieved }, count) {
  const longer = (/** @type {number} */ least) => Math.min(least * 2 ** (count - 1), MOST);
  if (offline) return longer(1_000);
  if (requests.length > 0) return OFTEN;
  return disbelieved.length > 0 ? longer(5_000) : LEAST;
}

document.addEventListener("visibilitychange", () => (document.hidden ? current.abort() : wake()));
for (const event of ["online", "offline", "focus", "pageshow"]) addEventListener(event, wake);

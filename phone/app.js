// What every screen knows: the accounts of this phone, and the way to another screen.

import { accounts } from "./database.js";

/** @typedef {import("./types.js").Account} Account */
/** @typedef {(given?: any) => void} Route */

/** The screens that the address can name after `#`; all others live only as long as the page. */
const ADDRESSED = ["account", "add", "paste", "scan", "ways"];

/** @type {Account[]} */
let held = [];
/** @type {Record<string, Route>} */
let routes = {};

/** The accounts of this phone, as they were last read. */
export const allAccounts = () => held;

/** Those that can be asked something. */
export const activeAccounts = () => held.filter(({ status, removed }) => status === "active" && !removed);

/** Reads the accounts anew. */
export async function reload() {
  held = await accounts();
}

/** The time of an account's server. @param {Account} account */
export const serverNow = (account) => Date.now() + account.clockOffset;

/** @param {Record<string, Route>} table */
export function setRoutes(table) {
  routes = table;
}

/** The address of a screen. @param {string} name @param {string} [given] */
export function addressOf(name, given) {
  const hash = ADDRESSED.includes(name) ? `#${name}${given ? `=${encodeURIComponent(given)}` : ""}` : "";
  return location.pathname + location.search + hash;
}

/** The address that the page has now. */
const here = () => location.pathname + location.search + location.hash;

/**
 * Where the screen that stands there is in the history: its address, and how far it is from the first one. The entry
 * of each has `from`, the address whence it was come to, and its own `depth`. Before the first screen there is none.
 */
let place = { address: "", depth: -1 };

const settle = () => { place = { address: here(), depth: history.state?.depth ?? 0 }; };

/** @param {string} address @param {{ step?: boolean }} [more] */
function lead(address, more) {
  history.pushState({ inside: true, from: place.address, depth: place.depth + 1, ...more }, "", address);
  settle();
}

/** Shows another screen. @param {string} name @param {any} [given] */
export function go(name, given) {
  if (question) return ask(() => go(name, given));
  const address = addressOf(name, given);
  if (address !== here()) lead(address);
  routes[name]?.(given);
}

/** Goes on to what has no address of its own; the phone's own way back leads to this screen. @param {() => void} step */
export function goInto(step) {
  lead(here(), { step: true });
  step();
}

/**
 * Goes back to a screen: in the history, or where it is not the one before, in place of this one.
 * @param {string} name
 * @param {any} [given]
 */
export function goBack(name, given) {
  if (question) return ask(() => goBack(name, given));
  const address = addressOf(name, given);
  if (history.state?.from === address) return stepBack();
  history.replaceState({ ...history.state, step: false }, "", address);
  settle();
  routes[name]?.(given);
}

/** For how long one step back is waited for, in milliseconds. */
const STEP = 1_000;
let stepping = 0;

/** One step, however often the button is touched before it is done. */
function stepBack() {
  if (stepping) return;
  stepping = setTimeout(() => { stepping = 0; }, STEP);
  history.back();
}

/** What is asked before the screen that stands there is left. @type {((leave: () => void) => void) | null} */
let question = null;
let isReturning = false; // to the screen that is not left yet

/**
 * Has something asked, once, before this screen is left.
 * @param {((leave: () => void) => void) | null} next is told how to leave; null: nothing is asked any more
 */
export function askFirst(next) {
  question = next;
  if (next) addEventListener("beforeunload", hinder);
  else removeEventListener("beforeunload", hinder);
}

/** @param {BeforeUnloadEvent} event */
const hinder = (event) => event.preventDefault();

/** @param {() => void} leave */
function ask(leave) {
  const asked = question;
  question = null;
  asked?.(leave);
}

/** Shows the screen that the address names; the camera only where the app itself has led there. */
export function follow() {
  const link = takeLink();
  clearTimeout(stepping);
  stepping = 0;
  // A link has led here, or the app begins: nothing is kept of it yet.
  if (history.state === null) history.replaceState({ from: place.address, depth: place.depth + 1 }, "");
  if (isReturning) {
    isReturning = false;
    return;
  }
  if (question) return stay(link);
  settle();
  if (link) return routes.link?.(link);
  // What stood here lived only as long as the page: it is the screen before.
  if (history.state.step) history.back();
  const [name = "", given] = location.hash.slice(1).split("=");
  const isKnown = ADDRESSED.includes(name) && (name !== "scan" || history.state.inside);
  routes[isKnown ? name : "home"]?.(given && decoded(given));
}

/** Takes back a step in the history, until it is said that the screen may be left. @param {string} link */
function stay(link) {
  const way = (history.state.depth ?? 0) - place.depth;
  if (link || way === 0) return ask(() => (link ? routes.link?.(link) : follow()));
  isReturning = true;
  history.go(-way);
  ask(() => history.go(way));
}

/** A link with a token, or "": the token leaves the address at once, so that it stays in no history. */
export function takeLink() {
  const link = location.href;
  if (!location.hash.startsWith("#enroll")) return "";
  history.replaceState(null, "", addressOf("home"));
  return link;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

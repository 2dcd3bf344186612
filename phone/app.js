// What every screen knows: the accounts of this phone, and the way to another screen.

import { accounts } from "./database.js";

/** @typedef {import("./types.js").Account} Account */
/** @typedef {(given?: any) => void} Route */

/** The screens that the address can name after `#`; all others live only as long as the page. */
const ADDRESSED = ["account", "add", "paste", "scan"];

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

/** Shows another screen. @param {string} name @param {any} [given] */
export function go(name, given) {
  const address = addressOf(name, given);
  if (address !== location.pathname + location.search + location.hash) history.pushState({ inside: true }, "", address);
  routes[name]?.(given);
}

/** Shows the screen that the address names; the camera only where the app itself has led there. */
export function follow() {
  const link = takeLink();
  if (link) return routes.link?.(link);
  const [name = "", given] = location.hash.slice(1).split("=");
  const isKnown = ADDRESSED.includes(name) && (name !== "scan" || history.state?.inside);
  routes[isKnown ? name : "home"]?.(given && decoded(given));
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

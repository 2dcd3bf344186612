// What the screens that are fetched later need beside the first load: their sentences, and their look.

import { language, learn } from "./words.js";

/** @type {Promise<void>|undefined} */
let ready;

/**
 * Fetches both, once. A function, and nothing that runs by itself: a module that has failed stays failed, and here the
 * next try begins anew.
 * @returns {Promise<void>}
 * @throws {Error} Something could not be fetched.
 */
export function prepare() {
  ready ??= Promise.all([sentences(), look()]).then(([more]) => void learn(more));
  ready.catch(() => { ready = undefined; });
  return ready;
}

/** @returns {Promise<Record<string, string>>} */
async function sentences() {
  return language === "de" ? (await import("./words-extra-de.js")).de : (await import("./words-extra-en.js")).en;
}

/** @returns {Promise<unknown>} */
function look() {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = "extras.css";
  const done = new Promise((resolve, reject) => {
    sheet.addEventListener("load", resolve);
    sheet.addEventListener("error", () => {
      sheet.remove();
      reject(new Error("extras.css is missing"));
    });
  });
  document.head.append(sheet);
  return done;
}

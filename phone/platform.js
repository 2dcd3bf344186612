// What kind of phone this is, as far as its browser tells.

/** @typedef {{ getHighEntropyValues?: (hints: string[]) => Promise<{ model?: string }> }} AgentData */

/** The words by which browsers name platforms, the first that fits. */
const WORDS = [
  ["iPhone", /iPhone|iPod/],
  ["iPad", /iPad/],
  ["Android", /Android/],
  ["Windows", /Windows/],
  ["ChromeOS", /CrOS/],
  ["macOS", /Mac OS X|Macintosh/],
  ["Linux", /Linux/],
];

/**
 * One word, such as `iPhone` or `Android`, for the list of a person's phones.
 * @returns {string}
 */
export function platform() {
  const agent = navigator.userAgent;
  // An iPad says that it is a Mac, but no Mac has a touch screen.
  if (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1) return "iPad";
  const found = WORDS.find(([, pattern]) => /** @type {RegExp} */ (pattern).test(agent));
  return found === undefined ? "Browser" : String(found[0]);
}

/** The model, which browsers on Android tell when asked; empty until they have. */
let model = "";
const agentData = /** @type {{ userAgentData?: AgentData }} */ (navigator).userAgentData;
agentData?.getHighEntropyValues?.(["model"]).then((told) => {
  model = (told.model ?? "").trim().slice(0, 64);
}, () => undefined);

/**
 * A name to begin with: `iPhone`, `Pixel 8`, `Android phone`, `Windows computer`.
 * @returns {string} 1 to 64 characters
 */
export function defaultDeviceName() {
  const word = platform();
  if (word === "Android") return model || "Android phone";
  return ["iPhone", "iPad", "Browser"].includes(word) ? word : `${word} computer`;
}

/**
 * Whether this is an iPhone or iPad on which the app is open in the browser. There push works from the Home Screen
 * only.
 * @returns {boolean}
 */
export function isIphoneInBrowser() {
  return /** @type {{ standalone?: boolean }} */ (navigator).standalone === false;
}

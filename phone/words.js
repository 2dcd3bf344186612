// The words of the app, in the person's language, which alone is fetched. `?lang=de` or `?lang=en` forces one.

/** @typedef {keyof typeof import("./words-en.js").en | keyof typeof import("./words-extra-en.js").en} Sentence */
/** @typedef {Record<string, string|number>} Values */

/** The languages the person reads, most wanted first. */
function wanted() {
  const forced = new URLSearchParams(location.search).get("lang");
  return forced ? [forced] : navigator.languages ?? [];
}

const first = String(wanted()[0] ?? "en").replace(/_/g, "-");

/** @type {"en"|"de"} */
export const language = /^de\b/i.test(first) ? "de" : "en";

/** Every sentence. @type {Record<string, string>} */
const words = { ...(language === "de" ? (await import("./words-de.js")).de : (await import("./words-en.js")).en) };

/** Adds the sentences of screens that are fetched later. @param {Record<string, string>} more */
export const learn = (more) => Object.assign(words, more);

/** Whether there is such a sentence. @param {string} key */
export const knows = (key) => key in words;

/** The locale of times and counts: as exact as the browser says, where it is the language of the words. */
const locale = first.toLowerCase().startsWith(language) && isLocale(first) ? first : language;
const plural = new Intl.PluralRules(locale);
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

/** @param {string} tag */
function isLocale(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

/** @param {string} key @param {Values} values */
function pattern(key, values) {
  return words[key] ?? words[`${key}.${plural.select(Number(values.n))}`] ?? words[`${key}.other`] ?? key;
}

/**
 * A sentence in pieces: plain strings, and `{value}` where something was filled in.
 * @param {string} key
 * @param {Values} [values]
 * @returns {Array<string|{value: string}>}
 */
export function pieces(key, values = {}) {
  const parts = pattern(key, values).split(/\{(\w+)\}/);
  return parts.map((part, index) => (index % 2 ? { value: String(values[part] ?? "") } : part));
}

/** A sentence as text. @param {string} key @param {Values} [values] */
export function t(key, values) {
  return pieces(key, values).map((piece) => (typeof piece === "string" ? piece : piece.value)).join("");
}

/** @type {Array<[Intl.RelativeTimeFormatUnit, number]>} */
const UNITS = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000]];

/** How long ago, in words: "now", "2 minutes ago". @param {number} at @param {number} now */
export function ago(at, now) {
  const passed = Math.max(0, now - at);
  const [unit, length] = UNITS.find(([, one]) => passed >= one) ?? ["second", Infinity];
  return relative.format(-Math.floor(passed / length) || 0, unit);
}

/** A length of time in words: "4 minutes", "2 hours". @param {number} length in milliseconds */
export function span(length) {
  const [unit, one] = UNITS.find(([, size]) => length >= size) ?? ["minute", 60_000];
  const count = Math.max(1, Math.round(length / one));
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(count);
}

/** A time of day with seconds. @param {number} at */
export function clock(at) {
  return new Intl.DateTimeFormat(locale, { timeStyle: "medium" }).format(at);
}

/** A day and time. @param {number} at @param {"medium"|"short"} [timeStyle] */
export function moment(at, timeStyle = "medium") {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle }).format(at);
}

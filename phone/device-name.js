// What a phone may be called.

import { t } from "./words.js";

export const MOST_CHARACTERS = 64;
const MOST_BYTES = 128;

/** What is wrong with a name; nothing, where nothing is. @param {string} name without spaces around it */
export function nameFault(name) {
  if (name === "") return t("enroll.name-empty");
  return new TextEncoder().encode(name).length > MOST_BYTES ? t("enroll.name-long") : "";
}

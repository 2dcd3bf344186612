// Whether this phone rings, in words, and the button that lets it.

import { activeAccounts } from "./app.js";
import { Problem } from "./api.js";
import { busy, button, h } from "./dom.js";
import { keep, state as stateOf, turnOn } from "./push.js";
import { t } from "./words.js";

/**
 * `refused`: the server does not take this browser's push service.
 * @typedef {import("./types").PushState|"refused"} State
 */

/** States in which trying may help. @type {State[]} */
const WORTH_TRYING = ["off", "unreachable"];

/** Why it does not ring although the browser could; found out only by trying. @type {State|null} */
let obstacle = null;

/** What was begun, one after the other. */
let last = Promise.resolve();

/** Tries, and keeps why it failed. @param {() => Promise<State>} work */
function attempt(work) {
  last = last.then(work).catch((fault) => (fault instanceof Problem ? "refused" : "unreachable")).then((state) => {
    obstacle = state === "unreachable" || state === "refused" ? state : null;
  });
  return last;
}

/** Repairs the ringing that was turned on before. */
export const keepRinging = () => attempt(() => keep(activeAccounts()));

/** @returns {Promise<State>} */
async function look() {
  const state = await stateOf(activeAccounts()).catch(() => /** @type {State} */ ("unreachable"));
  return state === "off" && obstacle ? obstacle : state;
}

/**
 * @param {string} offWords what stands there while it could ring and does not
 * @param {(state: State) => void} [told] is told each state
 */
export function ringing(offWords, told = () => {}) {
  const words = h("p", { id: "push", role: "status" });
  const turn = button("turn-on", "primary", t("push.turn-on"), () => busy(turn, t("push.turning-on"), async () => {
    await attempt(() => turnOn(activeAccounts()));
    await paint();
  }));
  turn.hidden = true;
  const paint = async () => {
    const state = await look();
    const said = state === "off" ? offWords : t(`push.${state}`);
    if (words.textContent !== said) words.textContent = said;
    words.dataset.push = state;
    turn.hidden = !WORTH_TRYING.includes(state);
    told(state);
  };
  return { words, button: turn, look: paint };
}

// Makes elements. Text is always text: nothing here parses markup.

import { pieces } from "./words.js";

/** @typedef {Node|string|null|undefined|false} Child */
/** @typedef {Record<string, string|number|boolean|null|undefined|((event: any) => void)>} Attributes */

const SVG = "http://www.w3.org/2000/svg";

/** @param {Element} element @param {Attributes} attributes */
function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
}

/** @param {Element} element @param {Array<Child|Child[]>} children */
function fill(element, children) {
  element.append(...children.flat().filter((child) => child != null && child !== false));
}

/**
 * An element. An attribute that is a function listens to the event of its name.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} [attributes]
 * @param {Array<Child|Child[]>} children
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  dress(element, attributes);
  fill(element, children);
  if (timer && PRESSED.includes(name)) keepDead(element);
  return element;
}

/**
 * An element of a drawing.
 * @param {string} name
 * @param {Attributes} [attributes]
 * @param {Element[]} children
 */
export function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  dress(element, attributes);
  fill(element, children);
  return element;
}

/**
 * A sentence in which what came from outside is kept apart, so that its direction disturbs nothing.
 * @param {string} key
 * @param {import("./words.js").Values} [values]
 * @returns {Child[]}
 */
export function say(key, values) {
  return pieces(key, values).map((piece) => (typeof piece === "string" ? piece : h("bdi", {}, piece.value)));
}

/** Nothing can be pressed so soon after it came, in milliseconds: the touch was meant for what stood there before. */
const HOLD = 600;
const PRESSED = ["a", "button"];
/** What is held, and whether it can be pressed after that. @type {Map<Element, boolean>} */
const held = new Map();
let timer = 0;

/** Holds all that can be pressed: what stands in `place`, and what is made meanwhile. @param {Element} place */
export function hold(place) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    timer = 0;
    const all = [...held];
    held.clear();
    for (const [element, live] of all) enable(element, live);
  }, HOLD);
  place.querySelectorAll(PRESSED.join()).forEach(keepDead);
}

/** Whether all is held. */
export const isHeld = () => timer !== 0;

/** @param {Element} element */
function keepDead(element) {
  if (held.has(element)) return;
  held.set(element, isLive(element));
  enable(element, isLive(element));
}

/**
 * Whether a button can be pressed. It stays where the focus can reach it.
 * @param {Element} button
 * @param {boolean} live
 */
export function enable(button, live) {
  const isDead = held.has(button);
  if (isDead) held.set(button, live);
  button.toggleAttribute("data-held", isDead && live);
  if (live && !isDead) button.removeAttribute("aria-disabled");
  else button.setAttribute("aria-disabled", "true");
}

/** @param {Element} button */
const isLive = (button) => button.getAttribute("aria-disabled") !== "true";

document.addEventListener("click", (event) => {
  const element = /** @type {Element} */ (event.target).closest(PRESSED.join());
  if (!element || !held.has(element)) return;
  event.preventDefault();
  event.stopPropagation();
}, true);

/**
 * A button. `kind` is one of `primary`, `approve`, `deny`, `plain`, `second`.
 * @param {string} id
 * @param {string} kind
 * @param {string} words
 * @param {() => void} press called while it is enabled
 * @param {() => void} [dead] called while it is not
 */
export function button(id, kind, words, press, dead = () => {}) {
  const element = h("button", { id, class: kind, type: "button" }, words);
  element.addEventListener("click", () => (isLive(element) ? press() : dead()));
  return element;
}

/**
 * While something runs, its button can not be pressed and says so.
 * @param {Element} button
 * @param {string} words
 * @param {() => Promise<void>} work
 */
export async function busy(button, words, work) {
  const before = button.textContent;
  enable(button, false);
  button.textContent = words;
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    button.textContent = before;
    button.removeAttribute("aria-busy");
    enable(button, true);
  }
}

/**
 * A labelled line to type in, with a hint and a place for what is wrong with it.
 * @param {string} id
 * @param {{label: Child|Child[], hint?: string}} words
 * @param {Attributes} attributes
 */
export function field(id, { label, hint = "" }, attributes) {
  const input = h("input", { id, "aria-describedby": `${id}-hint ${id}-fault`, ...attributes });
  const fault = h("p", { id: `${id}-fault`, class: "fault", role: "alert" });
  const node = h("div", { class: "field" },
    h("label", { for: id }, label), h("p", { id: `${id}-hint`, class: "quiet" }, hint), input, fault);
  /** Says what is wrong; nothing, where nothing is. @param {string} words */
  const complain = (words) => {
    fault.textContent = words;
    input.setAttribute("aria-invalid", String(words !== ""));
    if (words) input.focus();
  };
  input.addEventListener("input", () => complain(""));
  return { node, input, complain };
}

/** The shapes that stand for states beside their words. */
const SHAPES = {
  approve: ["M3 24a21 21 0 1 0 42 0a21 21 0 1 0-42 0", "m15 25 6.5 6.5L34 18"],
  deny: ["M3 24a21 21 0 1 0 42 0a21 21 0 1 0-42 0", "M14 24h20"],
  warn: ["M24 5 45 42H3z", "M24 19v11m0 5v1"],
  time: ["M3 24a21 21 0 1 0 42 0a21 21 0 1 0-42 0", "M24 12v12l8 5"],
  over: ["M3 24a21 21 0 1 0 42 0a21 21 0 1 0-42 0", "m17 17 14 14m0-14L17 31"],
  offline: ["M8 20a24 24 0 0 1 32 0M15 28a14 14 0 0 1 18 0M24 37v1", "M7 7l34 34"],
  share: ["M16 19h-4v24h24V19h-4", "M24 31V5m-8 8 8-8 8 8"],
};

/** @typedef {keyof typeof SHAPES} Shape */

/** A shape. @param {Shape} shape @param {string} [kind] */
export function mark(shape, kind = shape) {
  const paths = SHAPES[shape].map((d) => draw("path", { d }));
  return draw("svg", { class: `mark ${kind}`, viewBox: "0 0 48 48", "aria-hidden": "true" }, ...paths);
}

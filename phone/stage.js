// Where screens stand: one at a time, with its heading, its actions within reach of the thumb, and bars above it.

import { button, h, hold } from "./dom.js";
import { t } from "./words.js";

/**
 * @typedef {object} Screen
 * @property {string} name what `data-screen` says
 * @property {string} [state] what `data-state` says; `ready` where it is left out
 * @property {import("./dom.js").Child[]} title
 * @property {import("./dom.js").Child[]} body
 * @property {import("./dom.js").Child[]} [actions]
 * @property {import("./dom.js").Child} [corner] beside the company's name
 * @property {HTMLElement} [focus] what gets the focus instead of the heading
 * @property {() => void} [leave] called when another screen takes its place
 */

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** The company's name, as the page was served. */
export const company = byId("company").textContent ?? "";

/** @type {Screen|null} */
let current = null;

/** The name of the screen that stands there. */
export const onStage = () => current?.name ?? "start";

/** Whether a person is about something that nothing may take the place of. */
export const isInUse = () => document.querySelector("#screen :is(input:focus, [aria-busy], #remove-yes)") !== null;

/** @param {Screen} screen */
export const stands = (screen) => current === screen;

/** Shows a screen in place of the last. @param {Screen} screen */
export function show(screen) {
  if (current !== screen) current?.leave?.();
  current = screen;
  const heading = h("h1", { tabindex: "-1" }, screen.title);
  const actions = screen.actions?.length ? h("div", { class: "actions" }, screen.actions) : null;
  document.body.dataset.screen = screen.name;
  setState(screen.state ?? "ready");
  document.title = `${heading.textContent} - ${company}`;
  byId("screen").replaceChildren(heading, ...screen.body.filter((child) => child != null && child !== false));
  if (actions) byId("screen").append(actions);
  byId("corner").replaceChildren(...(screen.corner ? [screen.corner] : []));
  hold(byId("screen"));
  announce("");
  scrollTo(0, 0);
  (screen.focus ?? heading).focus({ preventScroll: true });
}

/** @param {string} state */
export function setState(state) {
  document.body.dataset.state = state;
}

/** Changes the heading of the screen that stands there. @param {import("./dom.js").Child[]} title */
export function retitle(title) {
  const heading = /** @type {HTMLElement} */ (document.querySelector("h1"));
  const before = heading.textContent;
  const after = h("h1", {}, title);
  if (after.textContent === before) return;
  heading.replaceChildren(...after.childNodes);
  document.title = `${heading.textContent} - ${company}`;
}

/** Tells a screen reader, without a change of focus. @param {string} words */
export function announce(words) {
  if (byId("status").textContent !== words) byId("status").textContent = words;
}

/** The bar that says that the server cannot be reached. @param {boolean} offline */
export function sayOffline(offline) {
  const words = offline ? t(navigator.onLine ? "bar.unreachable" : "bar.offline", { company }) : "";
  if (byId("offline").textContent !== words) byId("offline").textContent = words;
}

/** The bar that says how many requests wait behind this screen. @param {number} n @param {() => void} open */
export function sayWaiting(n, open) {
  const bar = byId("waiting");
  if (bar.dataset.count === String(n)) return;
  bar.dataset.count = String(n);
  const words = h("span", {}, t("bar.waiting", { n }));
  bar.replaceChildren(...(n ? [words, button("show", "second", t("bar.show"), open)] : []));
}

/** Keeps the actions above the keypad where it covers the page instead of making it smaller. */
function liftActions() {
  const view = window.visualViewport;
  if (!view) return;
  const lift = () => {
    const covered = view.scale > 1.01 ? 0 : Math.max(0, innerHeight - view.height - view.offsetTop);
    document.documentElement.style.setProperty("--keypad", `${Math.round(covered)}px`);
  };
  view.addEventListener("resize", () => {
    lift();
    document.querySelector("input:focus")?.scrollIntoView({ block: "nearest" });
  });
  view.addEventListener("scroll", lift);
}

liftActions();

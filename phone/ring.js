// The time that is left: a quiet ring and its figures, which no screen reader counts down.

import { draw, h } from "./dom.js";

const LENGTH = 100; // of the ring, by `pathLength`

/**
 * @param {number} total milliseconds from the beginning to the end
 */
export function timeRing(total) {
  const figures = h("span", { class: "figures" });
  const circle = { cx: 12, cy: 12, r: 9, pathLength: LENGTH };
  const rest = draw("circle", { ...circle, class: "rest", "stroke-dasharray": LENGTH });
  const drawing = draw("svg", { viewBox: "0 0 24 24" }, draw("circle", { ...circle, class: "all" }), rest);
  const node = h("div", { id: "time-left", class: "time", "aria-hidden": "true" }, figures, drawing);
  /** @param {number} left in milliseconds */
  const set = (left) => {
    const seconds = Math.max(0, Math.ceil(left / 1000));
    figures.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const part = Math.min(1, Math.max(0, left / total));
    rest.setAttribute("stroke-dashoffset", String(LENGTH * (1 - part)));
  };
  return { node, set };
}

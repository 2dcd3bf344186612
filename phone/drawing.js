// QR codes, as the server draws them: SVG of rectangles and paths, and of nothing else. What came is not handed to the
// browser as markup: its shapes are read here, and drawn anew.

import { draw } from "./dom.js";

const WHOLE = /^\s*(?:<\?xml[^<>]*\?>)?\s*<svg((?:\s+[A-Za-z:-]+="[^"<>]*")*)\s*>([^]*)<\/svg>\s*$/;
const SHAPE = /\s*<(rect|path)((?:\s+[a-z]+="[^"<>]*")*)\s*(?:\/>|><\/\1>)\s*/y;
const ATTRIBUTE = /([A-Za-z:-]+)="([^"]*)"/g;
const NUMBER = /^[0-9]{1,6}(?:\.[0-9]{1,6})?$/;

/** What the attributes of a shape may say. @type {Record<string, RegExp>} */
const SAYS = {
  x: NUMBER, y: NUMBER, width: NUMBER, height: NUMBER, fill: /^#(?:[0-9a-fA-F]{3}){1,2}$/, d: /^[MLHVZmlhvz0-9 ,.-]+$/,
};

/** @typedef {{ name: string, attributes: Record<string, string> }} Shape */

/**
 * The shapes of a drawing, and the box around them.
 * @param {string} svg
 * @returns {{ box: string, shapes: Shape[] } | null} null for what holds anything else
 */
export function readDrawing(svg) {
  const [, head = "", inner = ""] = WHOLE.exec(svg) ?? [];
  const box = attributesOf(head).viewBox ?? "";
  if (!/^0 0 [0-9]{1,6} [0-9]{1,6}$/.test(box)) return null;
  /** @type {Shape[]} */
  const shapes = [];
  SHAPE.lastIndex = 0;
  for (let at = 0; at < inner.length; at = SHAPE.lastIndex) {
    const [, name, said] = SHAPE.exec(inner) ?? [];
    if (name === undefined) return null;
    const attributes = attributesOf(said);
    if (!Object.entries(attributes).every(([key, value]) => SAYS[key]?.test(value))) return null;
    shapes.push({ name, attributes });
  }
  return shapes.length > 0 ? { box, shapes } : null;
}

/** @param {string} text @returns {Record<string, string>} */
function attributesOf(text) {
  /** @type {Record<string, string>} */
  const found = Object.create(null);
  for (const [, name, value] of text.matchAll(ATTRIBUTE)) found[name] = value;
  return found;
}

/**
 * The QR code as a picture; null where it cannot be read.
 * @param {string} svg
 * @param {string} label what it is, for those who do not see it
 */
export function drawing(svg, label) {
  const read = readDrawing(svg);
  if (read === null) return null;
  return draw("svg", { id: "qr", class: "qr", viewBox: read.box, role: "img", "aria-label": label,
    "shape-rendering": "crispEdges" }, ...read.shapes.map(({ name, attributes }) => draw(name, attributes)));
}

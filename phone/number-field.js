// The field for a number: one input, with a box for each digit behind it.

import { h, isHeld } from "./dom.js";

/**
 * @param {object} given
 * @param {string} given.id
 * @param {string} given.label
 * @param {string} given.hint
 * @param {number} given.digits
 * @param {() => void} given.changed called after each change
 * @param {() => void} given.entered called when Enter is pressed
 */
export function numberField({ id, label, hint, digits, changed, entered }) {
  const input = h("input", {
    id, inputmode: "numeric", pattern: "[0-9]*", maxlength: digits, autocomplete: "off", autocorrect: "off",
    spellcheck: "false", enterkeyhint: "done", "aria-describedby": `${id}-hint ${id}-fault`,
  });
  const boxes = Array.from({ length: digits }, () => h("span"));
  const fault = h("p", { id: `${id}-fault`, class: "fault", role: "alert" });
  const entry = h("div", { class: "entry" }, h("div", { class: "boxes", "aria-hidden": "true" }, boxes), input);
  entry.style.setProperty("--digits", String(digits));
  const node = h("div", { class: "number-field" },
    h("label", { for: id }, label), h("p", { id: `${id}-hint`, class: "spoken" }, hint), entry, fault);

  const paint = () => {
    boxes.forEach((box, index) => {
      box.textContent = input.value[index] ?? "";
      box.classList.toggle("next", index === Math.min(input.value.length, digits - 1));
    });
  };
  /** @param {string} words */
  const complain = (words) => {
    fault.textContent = words;
    input.setAttribute("aria-invalid", String(words !== ""));
    if (words) input.focus();
  };
  let typed = "";
  /** Takes what was typed, unless it was meant for what stood there before. @param {string} text */
  const take = (text) => {
    if (!isHeld()) typed = text.normalize("NFKC").replace(/[^0-9]/g, "").slice(0, digits);
    input.value = typed;
    complain("");
    paint();
    changed();
  };
  input.addEventListener("input", () => take(input.value));
  // A paste is taken whole: its spaces would else use up the length.
  input.addEventListener("paste", (event) => {
    event.preventDefault();
    take(event.clipboardData?.getData("text") ?? "");
  });
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") entered(); });
  paint();

  return {
    node,
    input,
    isComplete: () => input.value.length === digits,
    complain,
  };
}

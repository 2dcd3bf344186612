// The catalogue of the phone: both languages say the same things.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { de } from "../../phone/words-de.js";
import { en } from "../../phone/words-en.js";
import { de as extraDe } from "../../phone/words-extra-de.js";
import { en as extraEn } from "../../phone/words-extra-en.js";

const phone = new URL("../../phone/", import.meta.url);
const read = (name) => readFileSync(new URL(name, phone), "utf8");
const CATALOGUES = [[en, de], [extraEn, extraDe]];

test("each sentence stands in both languages, with the same values, and once", () => {
  const values = (sentence) => [...new Set(sentence.match(/\{\w+\}/g))].sort();
  for (const [english, german] of CATALOGUES) {
    assert.deepEqual(Object.keys(german), Object.keys(english));
    for (const key of Object.keys(english)) assert.deepEqual(values(german[key]), values(english[key]), key);
  }
  assert.deepEqual(Object.keys(en).filter((key) => key in extraEn), []);
});

test("no sentence is empty, shouts, or is the same in both languages by mistake", () => {
  const may = ["field.client", "field.gateway", "field.id", "request.where"];
  for (const [english, german] of CATALOGUES) {
    for (const [key, sentence] of [...Object.entries(english), ...Object.entries(german)]) {
      assert.ok(sentence.trim().length > 0 && !sentence.includes("!"), key);
    }
    const same = Object.keys(english).filter((key) => english[key] === german[key]);
    assert.deepEqual(same.filter((key) => !may.includes(key)), []);
  }
});

/** The modules that are there before any other is wanted. */
function atOnce() {
  const needed = new Set();
  const visit = (name) => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const [, next] of read(name).matchAll(/^import (?:[^"]* from )?"\.\/([^"]+)";/gm)) visit(next);
  };
  visit("main.js");
  return needed;
}

test("every sentence that is named exists, and one that is needed at once comes at once", () => {
  const has = (catalogue, key) => key in catalogue || `${key}.other` in catalogue;
  const first = atOnce();
  for (const name of readdirSync(phone).filter((file) => file.endsWith(".js") && file !== "jsqr.js")) {
    const known = first.has(name) ? en : { ...en, ...extraEn };
    // A key that is put together is named by its beginning.
    for (const [, key] of read(name).matchAll(/\b(?:t|say)\(\s*"([^"]+)"/g)) {
      assert.ok(has(known, key), `${name}: ${key}`);
    }
    for (const [, begun] of read(name).matchAll(/\b(?:t|say)\(`([a-z_.-]+\.)\$\{/g)) {
      assert.ok(Object.keys(known).some((key) => key.startsWith(begun)), `${name}: ${begun}`);
    }
  }
});

test("what is preloaded is what the page needs at once", () => {
  const preloaded = [...read("index.html").matchAll(/modulepreload" href="([^"]+)"/g)].map(([, name]) => name);
  const needed = atOnce();
  needed.delete("main.js");
  assert.deepEqual(preloaded, [...needed].sort());
});

test("the service worker knows every file that the app opens with", () => {
  const [, list] = read("sw.js").match(/const SHELL = \[([^\]]+)\]/);
  const known = [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name);
  const beside = ["package.json", "sw.js", "types.d.ts", "tsconfig.json", "tsconfig.worker.json"];
  const seldom = ["apple-touch-icon.png", "icon-512.png", "icon-maskable-512.png", "jsqr.js"];
  assert.deepEqual(known, readdirSync(phone).filter((name) => ![...beside, ...seldom].includes(name)).sort());
});

// The catalogue of the phone: both languages say the same things.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { de } from "../../phone/words-de.js";
import { en } from "../../phone/words-en.js";

const phone = new URL("../../phone/", import.meta.url);

test("each sentence stands in both languages, with the same values", () => {
  assert.deepEqual(Object.keys(de), Object.keys(en));
  const values = (sentence) => [...new Set(sentence.match(/\{\w+\}/g))].sort();
  for (const key of Object.keys(en)) assert.deepEqual(values(de[key]), values(en[key]), key);
});

test("no sentence is empty, shouts, or is the same in both languages by mistake", () => {
  for (const [key, sentence] of [...Object.entries(en), ...Object.entries(de)]) {
    assert.ok(sentence.trim().length > 0 && !sentence.includes("!"), key);
  }
  const same = Object.keys(en).filter((key) => en[key] === de[key]);
  assert.deepEqual(same.filter((key) => !["field.client", "field.gateway", "field.id", "request.where"].includes(key)), []);
});

test("what is preloaded is what the page needs at once", () => {
  const html = readFileSync(new URL("index.html", phone), "utf8");
  const preloaded = [...html.matchAll(/modulepreload" href="([^"]+)"/g)].map(([, name]) => name);
  const needed = new Set();
  const visit = (name) => {
    if (needed.has(name)) return;
    needed.add(name);
    const source = readFileSync(new URL(name, phone), "utf8");
    for (const [, next] of source.matchAll(/^import (?:[^"]* from )?"\.\/([^"]+)";/gm)) visit(next);
  };
  visit("main.js");
  needed.delete("main.js");
  assert.deepEqual(preloaded, [...needed].sort());
});

test("the service worker knows every file that the app opens with", () => {
  const worker = readFileSync(new URL("sw.js", phone), "utf8");
  const [, list] = worker.match(/const SHELL = \[([^\]]+)\]/);
  const known = [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name);
  const beside = ["package.json", "sw.js", "types.d.ts", "tsconfig.json", "tsconfig.worker.json"];
  const seldom = ["apple-touch-icon.png", "icon-512.png", "icon-maskable-512.png", "jsqr.js"];
  assert.deepEqual(known, readdirSync(phone).filter((name) => ![...beside, ...seldom].includes(name)).sort());
});

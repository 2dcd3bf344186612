// A page without a browser, on which a phone has an account, for the tests of how a person looks after it.

import assert from "node:assert/strict";

import { openPage } from "./fake-dom.mjs";
import { fakeIndexedDb } from "./fake-indexeddb.mjs";
import { DEVICE, fakeServer, openApp } from "./fake-server.mjs";

/** How much faster the page's time goes by than the clock on the wall. */
const HASTE = 20;
const real = { setTimeout, setInterval };
globalThis.setTimeout = (work, time = 0, ...more) => real.setTimeout(work, time / HASTE, ...more);
globalThis.setInterval = (work, time) => real.setInterval(work, time / HASTE);

openApp(fakeIndexedDb());
export const $ = openPage();
export const load = (name) => import(new URL(`../../phone/${name}.js`, import.meta.url).href);
const [jws, jwk, extras, enrollment, stage, ways] = await Promise.all(
  ["jws", "jwk", "extras", "enrollment", "stage", "ways-screen"].map(load));
export const app = await load("app");

export const LIST = "GET /v1/self/authenticators";
export const HELD = 700;
export const AT = "2026-03-01T08:00:00Z";
export const id = (n) => `019b76da-9478-7505-8505-${String(n).padStart(12, "0")}`;
export const QR = '<?xml version="1.0" standalone="yes"?><svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="246" '
  + 'height="246" viewBox="0 0 246 246" shape-rendering="crispEdges"><rect x="0" y="0" width="246" height="246" '
  + 'fill="#fff"/><path fill="#000" d="M24 24h6v6H24V24M30 24h6v6H30V24"/></svg>';
export const CODES = Array.from({ length: 10 }, (_, index) => `7KX2-M9QR-T4HB-2ZC${index}`);
export const PHONE = { id: DEVICE, kind: "phone", name: "Pixel", status: "active", created_at: AT, last_used_at: AT,
  starts_at: null, expires_at: null, left: null };
export const TOTP = { ...PHONE, id: id(1), kind: "totp", name: null };
export const SET = { ...PHONE, id: id(2), kind: "recovery_codes", name: null, left: 7 };
export const PASS = { ...PHONE, id: id(3), kind: "access_pass", name: null, expires_at: "2026-03-02T08:00:00Z", left: 1 };
export const OTHER = { ...PHONE, id: id(4), name: "Old phone" };

export let server;
export let account;
export let went; // which screens were asked for

export const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
/** Until nothing more comes of itself. */
export const settles = () => new Promise((resolve) => real.setTimeout(resolve, 30));
export const shown = () => [document.body.dataset.screen, document.body.dataset.state];
export const text = () => $("screen").textContent;
export const asked = (method, path) => server.asked.filter((one) => one.method === method && one.path === path);
export const lists = (...items) => server.routes.set(LIST, () => ({ items }));

/** Presses as soon as it can be pressed, and waits for what comes of it. */
export async function press(name) {
  await sleep(HELD);
  assert.ok($(name), `${name} is not there: ${text()}`);
  $(name).click();
  await settles();
}

/** Opens the overview. */
export async function opens(...items) {
  lists(...items);
  app.go("ways", DEVICE);
  await settles();
}

/** Presses the phone's own way back. */
export async function goesBack() {
  history.back();
  await settles();
}

export const isStep = () => history.state.step === true;

/** A new tab, in which a phone was just added. */
export async function begin() {
  openApp(fakeIndexedDb());
  await extras.prepare();
  server = await fakeServer({ jws, jwk });
  server.enrolls();
  account = await enrollment.enroll("gme_nADf7aU9eNxi7bO831Jeu22W10IL1EKHTUg7ilCleS0", "Pixel");
  await app.reload();
  [account] = app.allAccounts();
  // Other screens have only their names here.
  went = [];
  const told = (name) => (given) => {
    went.push([name, given]);
    stage.show({ name, title: [name], body: [] });
  };
  app.setRoutes({ home: told("home"), account: told("account"), ways: ways.waysScreen, request: told("request"),
    link: told("link") });
  history.clear();
  addEventListener("popstate", app.follow);
  app.follow();
  went.length = 0;
}

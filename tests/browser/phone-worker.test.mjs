// Tests of the phone's service worker, in Node: node --test tests/browser/phone-worker.test.mjs

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { createContext, runInContext } from "node:vm";

const SCOPE = "https://mfa.example.com/app/";
const ID = "019b76da-9478-7505-8505-050505050505";
const source = readFileSync(new URL("../../phone/sw.js", import.meta.url), "utf8");

let worker; // what the script made of it
let net; // answers requests

/** Starts the script in a world of its own. */
function start(language = "en-GB") {
  const handlers = {};
  const kept = new Map(); // caches by name
  worker = { handlers, kept, shown: [], windows: [], opened: [] };
  const caches = {
    keys: async () => [...kept.keys()],
    delete: async (name) => kept.delete(name),
    match: async (url, { cacheName }) => kept.get(cacheName)?.get(url)?.clone(),
    async open(name) {
      if (!kept.has(name)) kept.set(name, new Map());
      return { put: async (url, response) => void kept.get(name).set(url, response) };
    },
  };
  const self = {
    addEventListener: (name, handler) => { handlers[name] = handler; },
    registration: {
      scope: SCOPE,
      showNotification: async (title, options) => worker.shown.push({ title, ...options }),
    },
    clients: {
      claim: async () => undefined,
      matchAll: async () => worker.windows,
      openWindow: async (url) => worker.opened.push(url),
    },
    skipWaiting: async () => undefined,
    navigator: { language },
  };
  const soon = (work, time, value) => setTimeout(work, time / 100, value);
  const given = { URL, Request, Response, TextDecoder, Uint8Array, atob, Date, JSON, setTimeout: soon };
  const made = { self, caches, fetch: (...all) => net(...all) };
  runInContext(source, createContext({ ...made, ...given }));
}

/** Runs an event to its end. */
async function happen(name, event = {}) {
  const work = [];
  const keep = (promise) => work.push(promise);
  worker.handlers[name]({ waitUntil: keep, respondWith: keep, ...event });
  for (let done = 0; done < work.length; done += 1) await work[done];
  return work[0];
}

const push = (text) => happen("push", { data: { text: () => text } });
const base64url = (text) => Buffer.from(text).toString("base64url");
const token = (claims) => ["{}", JSON.stringify(claims), ""].map(base64url).join(".");
const seconds = () => Math.floor(Date.now() / 1000);
const window = (changed) => ({ url: SCOPE, focused: true, visibilityState: "visible", told: [],
  postMessage(message) { this.told.push(message.type); },
  async focus() { this.isRaised = true; return this; }, ...changed });

beforeEach(() => {
  net = () => Promise.reject(new TypeError("no network"));
  start();
});

test("it can neither sign, nor read a key, nor load more code", () => {
  assert.doesNotMatch(source, /\bimport\b|importScripts|indexedDB|crypto|subtle|\/v1\/|actions\s*:/);
});

test("each push shows one notification, which names nobody and nothing", async () => {
  const more = { sub: "ada", gateway: "rdg01", app: "Payroll", client: { name: "PC7" } };
  const challenge = token({ jti: ID, exp: seconds() + 60, ...more });
  const texts = [JSON.stringify({ v: 1, challenge }), JSON.stringify({ v: 1, notice: token({ jti: ID }) }),
    JSON.stringify({ v: 1, cancelled: ID }), JSON.stringify({ v: 2, challenge }), '{"v":1}', "null", "x", ""];
  for (const [index, text] of texts.entries()) {
    await push(text);
    assert.equal(worker.shown.length, index + 1, text);
    assert.doesNotMatch(JSON.stringify({ ...worker.shown[index], tag: "" }), /ada|rdg01|Payroll|PC7/);
  }
  assert.deepEqual(worker.shown.map(({ tag }) => tag), [ID, ID, ID, ...Array(5).fill("unknown")]);
  assert.deepEqual([worker.shown[0].silent, worker.shown[2].silent], [false, true]);
});

test("a phone that was just removed is told too: nothing is fetched for it, and no window must be able to look", async () => {
  let fetched = 0;
  net = () => { fetched += 1; return NO_NETWORK(); };
  worker.windows = [window({ focused: false, visibilityState: "hidden" })];
  await push(JSON.stringify({ v: 1, notice: token({ jti: ID, kind: "phone-removed" }) }));
  assert.deepEqual(worker.shown.map(({ title, silent }) => [title, silent]), [["News about your account", false]]);
  assert.deepEqual([fetched, worker.windows[0].told], [0, ["look"]]);
  await happen("notificationclick", { notification: { tag: ID, close() {} } });
  assert.equal(worker.windows[0].isRaised, true);
});

test("a request that ended long ago is told as missed, without a sound", async () => {
  await push(JSON.stringify({ v: 1, challenge: token({ jti: ID, exp: seconds() - 55 }) }));
  await push(JSON.stringify({ v: 1, challenge: token({ jti: ID, exp: seconds() - 65 }) }));
  assert.deepEqual(worker.shown.map(({ title, silent }) => [title, silent]),
    [["Somebody is signing in", false], ["A sign-in was missed", true]]);
});

test("open windows of the app, and no others, are told to look; one that is seen makes no sound", async () => {
  const seen = window({});
  const other = window({ url: "https://mfa.example.com/connect" });
  worker.windows = [seen, other];
  await push(JSON.stringify({ v: 1, challenge: token({ jti: ID, exp: seconds() + 60 }) }));
  assert.deepEqual([seen.told, other.told, worker.shown[0].silent], [["look"], [], true]);
});

test("a touch on a notification opens the app, and decides nothing", async () => {
  const notification = { tag: ID, close() { this.isClosed = true; } };
  await happen("notificationclick", { notification });
  assert.deepEqual([worker.opened, notification.isClosed], [[SCOPE], true]);
  worker.windows = [window({ url: `${SCOPE}index.html` })];
  await happen("notificationclick", { notification });
  assert.deepEqual([worker.windows[0].isRaised, worker.windows[0].told, worker.opened.length], [true, ["look"], 1]);
});

test("a subscription that changes is renewed by an open app, or by the person who is asked to open it", async () => {
  start("de-AT");
  worker.windows = [window({})];
  await happen("pushsubscriptionchange");
  assert.match(worker.shown[0].title, /einmal öffnen/);
  const { tag } = worker.shown[0];
  await happen("notificationclick", { notification: { tag, close() {} } });
  assert.deepEqual(worker.windows[0].told, ["renew", "renew"]);
});

const TYPES = { css: "text/css", html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8",
  png: "image/png", svg: "image/svg+xml", webmanifest: "application/manifest+json" };
const nameOf = (url) => new URL(url).pathname.slice("/app/".length) || "index.html";
const file = (url, version) => new Response(`${version} ${nameOf(url)}`,
  { headers: { "content-type": TYPES[nameOf(url).split(".")[1]], etag: `"${version}"` } });
/** A server that has this version of all files. */
const serves = (version) => async ({ url }) => file(url, version);
const asks = (path, id = "w", method = "GET") => (
  { request: new Request(new URL(path, SCOPE), { method }), clientId: id, resultingClientId: "" });
const gets = async (path, id) => (await happen("fetch", asks(path, id))).text();
/** Which versions are kept, by cache. */
const versions = () => [...worker.kept.values()].map((cache) => [...cache.values()].map((one) => one.headers.get("etag"))
  .filter((tag, index, all) => all.indexOf(tag) === index));
const NO_NETWORK = () => Promise.reject(new TypeError("no network"));

test("the app opens without a network, and nothing else comes from the cache", async () => {
  net = serves(1);
  await happen("install");
  net = NO_NETWORK;
  for (const path of ["/app/", "/app/index.html", "/app/?x", "/app/jws.js"]) {
    assert.match(await gets(path), /^1 /, path);
  }
  for (const path of ["/v1/devices/self", "/.well-known/gatematch", "/app/sw.js", "/app/unknown", "/connect",
    "/bpp/jws.js", "/app/jsqr.js", "https://mfb.example.com/app/jws.js"]) {
    assert.equal(await happen("fetch", asks(path)), undefined, path);
  }
  assert.equal(await happen("fetch", asks("/app/", "w", "POST")), undefined);
});

test("what the network gives is shown, and a new version is kept in place of the old one", async () => {
  net = serves(1);
  await happen("install");
  assert.deepEqual(versions(), [['"1"']]);
  net = serves(2);
  assert.equal(await gets("jws.js"), "2 jws.js");
  assert.deepEqual(versions(), [['"2"']]);
  net = NO_NETWORK;
  assert.equal(await gets("jws.js", "another"), "2 jws.js");
});

test("a window has the files of one version alone", async () => {
  net = serves(1);
  await happen("install");
  // The network is lost for one file, and gives new ones after that.
  assert.equal(await gets("app.js", "a"), "1 app.js");
  net = NO_NETWORK;
  assert.equal(await gets("api.js", "a"), "1 api.js");
  net = serves(2);
  assert.equal(await gets("jws.js", "a"), "1 jws.js");
  // Likewise where the network is only slow, and where the window itself is the first that is asked for.
  net = () => new Promise(() => undefined);
  const page = { ...asks("/app/", ""), resultingClientId: "b" };
  assert.equal(await (await happen("fetch", page)).text(), "1 index.html");
  net = serves(2);
  assert.equal(await gets("jws.js", "b"), "1 jws.js");
  // One that began with a new file gets no old one any more.
  let isLost = false;
  net = async ({ url }) => (isLost ? NO_NETWORK() : url.endsWith("app.js") ? file(url, 2) : file(url, 1));
  assert.equal(await gets("app.js", "c"), "2 app.js");
  isLost = true;
  await assert.rejects(gets("api.js", "c"));
});

test("files of two versions are never kept as one", async () => {
  net = serves(1);
  await happen("install");
  let asked = 0;
  net = async ({ url }) => file(url, (asked += 1) > 20 ? 3 : 2);
  assert.equal(await gets("jws.js", "a"), "2 jws.js");
  assert.deepEqual(versions(), [['"1"']]);
  net = serves(3);
  await gets("jws.js", "b");
  assert.deepEqual(versions(), [['"3"']]);
});

test("what something on the way gives in the place of a file is neither kept nor shown", async () => {
  net = serves(1);
  await happen("install");
  const portal = new Response("<html>", { headers: { "content-type": "text/html", etag: '"x"' } });
  const odd = [async () => new Response("bad gateway", { status: 502, headers: portal.headers }),
    async () => portal.clone(),
    async ({ url }) => { const made = file(url, 2); made.headers.delete("etag"); return made; },
    async ({ url }) => Object.defineProperty(file(url, 2), "redirected", { value: true })];
  for (const [index, answer] of odd.entries()) {
    net = answer;
    assert.equal(await gets("jws.js", `w${index}`), "1 jws.js", index);
  }
  assert.deepEqual(versions(), [['"1"']]);
  start();
  net = odd[0];
  await happen("install");
  assert.deepEqual([worker.kept.size, (await happen("fetch", asks("jws.js"))).status], [0, 502]);
});

// Tests of the phone's push subscription, in Node: node --test tests/browser/phone-push.test.mjs

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { fakeIndexedDb } from "./fake-indexeddb.mjs";
import { fakeServer, lost, openApp, problem } from "./fake-server.mjs";

openApp(fakeIndexedDb());
const load = (name) => import(new URL(`../../phone/${name}.js`, import.meta.url).href);
const [jws, jwk, database, enrollment, push] = await Promise.all(
  ["jws", "jwk", "database", "enrollment", "push"].map(load));

const PUT = "PUT /v1/devices/self/push";
let server;
let browser; // what its push service does
let account;

/** A browser whose push service gives one endpoint after the other. */
function fakeBrowser() {
  browser = { subscription: null, given: 0, permission: "default", answer: "granted", fault: null };
  const pushManager = {
    getSubscription: async () => browser.subscription,
    async subscribe({ applicationServerKey }) {
      if (browser.fault) throw browser.fault;
      browser.given += 1;
      browser.subscription = {
        endpoint: `https://push.example/${browser.given}`,
        options: { applicationServerKey: applicationServerKey.buffer },
        getKey: (name) => new Uint8Array(name === "auth" ? 16 : 65).buffer,
        unsubscribe: async () => { browser.subscription = null; },
      };
      return browser.subscription;
    },
  };
  const registration = { pushManager };
  navigator.serviceWorker = {
    register: async () => registration, ready: Promise.resolve(registration), getRegistration: async () => registration,
  };
  globalThis.window = { PushManager: class {}, Notification: class {} };
  globalThis.Notification = {
    get permission() { return browser.permission; },
    async requestPermission() { return (browser.permission = browser.answer); },
  };
}

beforeEach(async () => {
  openApp(fakeIndexedDb());
  fakeBrowser();
  server = await fakeServer({ jws, jwk });
  server.enrolls();
  server.routes.set(PUT, () => new Response(null, { status: 204 }));
  account = await enrollment.enroll("gme_nADf7aU9eNxi7bO831Jeu22W10IL1EKHTUg7ilCleS0", "Ada's phone");
});

const told = () => server.asked.filter(({ method }) => method === "PUT").map(({ body }) => body?.endpoint ?? null);
const selfSays = (more) => server.routes.set("GET /v1/devices/self", () => ({ status: "active", name: "x", ...more }));

test("turned on, it rings, and is told once", async () => {
  assert.equal(await push.state([account]), "off");
  assert.equal(await push.turnOn([account]), "on");
  assert.equal(await push.state(await database.accounts()), "on");
  assert.equal(await push.keep([account]), "on");
  assert.deepEqual(told(), ["https://push.example/1"]);
  const { keys } = server.asked.find(({ method }) => method === "PUT").body;
  assert.deepEqual([keys.p256dh.length, keys.auth.length], [87, 22]);
});

test("another key of the server, and a subscription that the server lost, are repaired", async () => {
  await push.turnOn([account]);
  const discovered = server.routes.get("GET /.well-known/gatematch")();
  server.routes.set("GET /.well-known/gatematch", () => ({ ...discovered, vapid_public_key: "AQ" }));
  assert.equal(await push.keep([account]), "on");
  selfSays({ push: true });
  await enrollment.refresh(account);
  assert.equal(await push.keep([account]), "on");
  selfSays({ push: false });
  await enrollment.refresh(account);
  assert.equal(await push.keep([account]), "on");
  assert.deepEqual(told(), [1, 2, 3].map((number) => `https://push.example/${number}`));
});

test("another account joins the subscription that there is", async () => {
  await push.turnOn([account]);
  const other = { ...account, deviceId: "019b76a3-b980-7101-8101-0101010101ff", pushEndpoint: null, pushWanted: false };
  assert.equal(await push.state([account, other]), "off");
  assert.equal(await push.keep([account, other]), "on");
  assert.deepEqual(told(), Array(2).fill("https://push.example/1"));
});

test("turned off, it stays off, with or without a network", async () => {
  await push.turnOn([account]);
  server.routes.set(PUT, lost);
  assert.equal(await push.turnOff([account]), "off");
  assert.equal(await push.keep(await database.accounts()), "off");
  assert.deepEqual([browser.subscription, browser.given], [null, 1]);
});

test("turned off, it stays off for every account, whatever one of their servers says", async () => {
  await push.turnOn([account]);
  const other = { ...account, deviceId: "019b76a3-b980-7101-8101-0101010101fe" };
  await database.put(other);
  server.routes.set(PUT, () => problem(500, "internal"));
  assert.equal(await push.turnOff([account, other]), "off");
  assert.deepEqual((await database.accounts()).map(({ pushWanted }) => pushWanted), [false, false]);
  assert.deepEqual(told().slice(-2), [null, null]);
});

test("a storage that may be cleared is asked to stay, until it does", async () => {
  let asked = 0;
  let stays = false;
  navigator.storage = { persisted: async () => stays, persist: async () => { asked += 1; return stays; } };
  await push.turnOn([account]);
  await database.persist();
  stays = true;
  await push.turnOn([account]);
  navigator.storage = undefined;
  await database.persist();
  assert.equal(asked, 2);
});

test("the worker's words are obeyed, and no others", () => {
  const heard = [];
  let tell;
  navigator.serviceWorker.addEventListener = (name, listener) => { tell = listener; };
  push.obey({ look: () => heard.push("look"), renew: () => heard.push("renew") });
  for (const data of [{ type: "look" }, { type: "renew" }, { type: "other" }, null, "look"]) tell({ data });
  assert.deepEqual(heard, ["look", "renew"]);
});

test("a push service that the server does not allow is told as such, and left", async () => {
  server.routes.set(PUT, () => problem(422, "invalid-push-subscription"));
  await assert.rejects(push.turnOn([account]), { code: "invalid-push-subscription" });
  assert.deepEqual([browser.subscription, await push.keep(await database.accounts())], [null, "off"]);
});

test("what stands in the way is told", async () => {
  browser.fault = new DOMException("no push service", "AbortError");
  assert.equal(await push.turnOn([account]), "unreachable");
  browser.fault = new DOMException("no", "NotAllowedError");
  assert.equal(await push.turnOn([account]), "blocked");
  browser.answer = "denied";
  assert.equal(await push.turnOn([account]), "blocked");
  assert.equal(await push.state([account]), "blocked");
  navigator.standalone = false;
  assert.equal(await push.keep([account]), "install-first");
  delete navigator.standalone;
  delete globalThis.window.PushManager;
  assert.equal(await push.turnOn([account]), "unsupported");
});

test("without a network it is kept as it is", async () => {
  await push.turnOn([account]);
  globalThis.fetch = lost;
  assert.equal(await push.keep([account]), "on");
});

test("when the last account is gone, the subscription ends", async () => {
  await push.turnOn([account]);
  assert.equal(await push.keep([]), "off");
  assert.equal(browser.subscription, null);
});

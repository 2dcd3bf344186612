// Tests of the phone's screens without a browser, in Node: node --test tests/browser/phone-screens.test.mjs

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openPage } from "./fake-dom.mjs";
import { fakeIndexedDb } from "./fake-indexeddb.mjs";
import { DEVICE, fakeServer, lost, openApp, problem } from "./fake-server.mjs";

openApp(fakeIndexedDb());
const $ = openPage();
const at = (name) => new URL(`../../phone/${name}.js`, import.meta.url).href;
const load = (name) => import(at(name));
const [jws, jwk, app, database, dom, enrollment, home, queue, request, requests, stage, watch] = await Promise.all(
  ["jws", "jwk", "app", "database", "dom", "enrollment", "home-screen", "queue", "request-screen", "requests", "stage",
    "watch"].map(load));

const CHALLENGES = "GET /v1/devices/self/challenges";
const HELD = 650;
let server;
let account;
let count = 0; // for ids: the queue remembers what is settled
let shown; // which screens were asked for

const freshId = () => `019b76da-9478-7505-8505-${String(count += 1).padStart(12, "0")}`;
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
/** Until nothing more comes of itself. */
const settles = () => sleep(50);
const screen = () => [document.body.dataset.screen, document.body.dataset.state];

beforeEach(async () => {
  openApp(fakeIndexedDb());
  server = await fakeServer({ jws, jwk });
  server.enrolls();
  server.routes.set("PUT /v1/devices/self/push", () => ({}));
  account = await enrollment.enroll("gme_nADf7aU9eNxi7bO831Jeu22W10IL1EKHTUg7ilCleS0", "Ada's phone");
  await app.reload();
  [account] = app.allAccounts();
  shown = [];
  const told = (name) => (given) => shown.push([name, given]);
  app.setRoutes({ home: told("home"), account: told("account"), scan: told("scan"), link: told("link"),
    gone: told("gone"), request: request.requestScreen });
  stage.show({ name: "start", title: ["x"], body: [] });
});

/** Lists one request, and has this phone look. */
async function asks(changed = {}) {
  const id = freshId();
  const challenge = await server.challenge(id, changed);
  server.routes.set(CHALLENGES, () => ({ items: [{ id, challenge }] }));
  const look = await requests.look([account], 0);
  queue.take(look);
  return look.requests[0];
}

const respond = (id, answer) => server.routes.set(`POST /v1/challenges/${id}/response`, answer);

test("nothing can be pressed just after it came", async () => {
  let pressed = 0;
  const button = dom.button("b", "primary", "x", () => { pressed += 1; });
  stage.show({ name: "x", title: ["x"], body: [button, dom.h("a", { href: "#x" }, "x")] });
  const late = dom.button("late", "primary", "x", () => { pressed += 1; });
  $("screen").append(late);
  button.click();
  late.click();
  assert.deepEqual([pressed, button.getAttribute("aria-disabled"), dom.isHeld()], [0, "true", true]);
  await sleep(HELD);
  button.click();
  late.click();
  assert.deepEqual([pressed, button.getAttribute("aria-disabled"), dom.isHeld()], [2, null, false]);
});

test("a button that is not complete stays dead after that, and one that was completed meanwhile does not", async () => {
  const [dead, whole] = ["dead", "whole"].map((id) => dom.button(id, "primary", "x", () => undefined));
  dom.enable(dead, false);
  dom.enable(whole, false);
  stage.show({ name: "x", title: ["x"], body: [dead, whole] });
  dom.enable(whole, true);
  assert.equal(whole.getAttribute("aria-disabled"), "true");
  await sleep(HELD);
  assert.deepEqual([dead, whole].map((button) => button.getAttribute("aria-disabled")), ["true", null]);
});

test("a request that came under the fingers takes no digits until it has stood there", async () => {
  request.requestScreen(await asks());
  $("number").type("12");
  assert.equal($("number").value, "");
  await sleep(HELD);
  $("number").type("04");
  assert.equal($("number").value, "04");
  assert.match($("where").textContent, /rdg01/);
  assert.equal($("for").textContent, "For ada");
});

test("a second tap on what was not me reports nothing", async () => {
  const asked = await asks();
  request.requestScreen(asked);
  await sleep(HELD);
  $("report").click();
  $("report-yes").click();
  $("report-no").click();
  assert.deepEqual([screen(), server.asked.some(({ path }) => path.endsWith("response"))],
    [["request", "report"], false]);
  const below = $("report-no").parent.children.map(({ id }) => id);
  assert.equal(below.at(-1), "report-no", "the way back stands where the finger is");
  await sleep(HELD);
  respond(asked.id, () => ({ status: "denied", reason: "reported" }));
  $("report-yes").click();
  await settles();
  assert.deepEqual(screen(), ["result", "reported"]);
});

test("a request that is left unanswered is told of by a bar", async () => {
  const asked = await asks();
  request.requestScreen(asked);
  assert.equal($("waiting").textContent, "");
  stage.show({ name: "paste", title: ["x"], body: [] });
  await settles();
  assert.match($("waiting").textContent, /A sign-in is waiting/);
  queue.settle(asked.id);
  queue.attend();
  assert.equal($("waiting").textContent, "");
});

test("an answer that may be lost is no request of its own until its screen is left", async () => {
  const asked = await asks();
  request.requestScreen(asked);
  await sleep(HELD);
  respond(asked.id, lost);
  $("deny").click();
  await settles();
  assert.deepEqual([screen(), $("waiting").textContent], [["result", "offline"], ""]);
  stage.show({ name: "paste", title: ["x"], body: [] });
  await settles();
  assert.match($("waiting").textContent, /waiting/);
});

test("no request takes the place of what a person is about", async () => {
  const input = dom.h("input", { id: "code" });
  stage.show({ name: "account", title: ["x"], body: [input] });
  input.focus();
  await asks();
  assert.deepEqual([screen()[0], /waiting/.test($("waiting").textContent)], ["account", true]);
  document.activeElement = null;
  const sure = dom.h("button", { id: "remove-yes" });
  $("screen").append(sure);
  queue.attend();
  assert.equal(screen()[0], "account");
  $("screen").replaceChildren();
  queue.attend();
  assert.equal(screen()[0], "request");
});

test("at its end by this phone's clock a request is looked for once more", async () => {
  const now = Math.floor(Date.now() / 1000);
  const asked = await asks({ exp: now + 2 });
  request.requestScreen(asked);
  // The server's clock turns out to be behind by a minute.
  server.routes.set(CHALLENGES, ((answer) => (call) => {
    account.clockOffset = -60_000;
    return answer(call);
  })(server.routes.get(CHALLENGES)));
  account.clockOffset = 5_000;
  await sleep(1_200);
  assert.deepEqual(screen(), ["request", "asking"]);
  server.routes.set(CHALLENGES, lost);
  account.clockOffset = 5_000;
  await sleep(1_200);
  assert.deepEqual(screen(), ["result", "expired"]);
});

test("a request that has stood there for as long as it lives is over, whatever is listed", async () => {
  const asked = await asks();
  request.requestScreen(asked);
  const { performance } = globalThis;
  const set = (value) => Object.defineProperty(globalThis, "performance", { value, configurable: true });
  set({ now: () => performance.now() + 60_000 });
  await sleep(1_200);
  set(performance);
  assert.deepEqual(screen(), ["result", "expired"]);
});

test("what is over leaves no notification behind", async () => {
  const closed = [];
  const notification = { close: () => closed.push("closed") };
  navigator.serviceWorker = { getRegistration: async () => ({
    getNotifications: async ({ tag }) => { closed.push(tag); return [notification]; } }) };
  const id = freshId();
  queue.settle(id);
  await settles();
  assert.deepEqual(closed, [id, "closed"]);
});

test("a phone that the server has removed keeps its key, says so once, and comes back", async () => {
  server.routes.set("GET /v1/devices/self", () => problem(401, "credential-invalid"));
  home.homeScreen();
  await home.renew();
  assert.deepEqual(shown.map(([name]) => name), ["gone"]);
  assert.deepEqual((await database.accounts()).map(({ deviceId, removed }) => [deviceId, removed]), [[DEVICE, true]]);
  assert.deepEqual([screen(), app.activeAccounts()], [["home", "removed"], []]);
  await home.renew();
  assert.equal(shown.length, 1);
  server.routes.set("GET /v1/devices/self", () => ({ status: "active", push: false, name: "x" }));
  await home.renew();
  assert.deepEqual([app.activeAccounts().length, app.allAccounts()[0].removed], [1, false]);
});

test("what the address says is never fatal, and no link from elsewhere opens the camera", () => {
  const follows = (address, state = null) => {
    location.href = new URL(address, location.href).href;
    history.replaceState(state, "");
    shown = [];
    app.follow();
    return shown[0];
  };
  assert.deepEqual(follows("/app/#account=%"), ["account", ""]);
  assert.deepEqual(follows("/app/#account=a%20b"), ["account", "a b"]);
  assert.deepEqual(follows("/app/#scan")[0], "home");
  assert.deepEqual(follows("/app/#scan", { inside: true })[0], "scan");
  app.go("scan");
  assert.deepEqual([shown.at(-1)[0], history.state.inside], ["scan", true]);
  const link = `${server.issuer}/app/#enroll=gme_x`;
  assert.deepEqual([follows(link), location.hash], [["link", link], ""]);
});

test("no language that is asked for is fatal", async () => {
  const languages = [["?lang=en_GB", undefined, "en"], ["?lang=de-@", undefined, "de"], ["?lang=%", undefined, "en"],
    ["", [], "en"], ["", undefined, "en"], ["", ["de_AT"], "de"], ["", ["tlh-🖖"], "en"], ["", ["de-CH"], "de"]];
  for (const [index, [search, wanted, language]] of languages.entries()) {
    location.href = `${server.issuer}/app/${search}`;
    navigator.languages = wanted;
    const words = await import(`${at("words")}?${index}`);
    assert.equal(words.language, language, search);
    assert.ok(words.ago(0, 120_000).includes("2") && words.moment(0) && words.span(3_600_000));
  }
});

test("where the decoder for codes is missing, the camera is let go and the next try begins anew", async () => {
  const qr = await load("qr");
  let stopped = 0;
  const stream = { getTracks: () => [{ stop: () => { stopped += 1; } }] };
  navigator.mediaDevices = { getUserMedia: async () => stream };
  const end = new AbortController();
  const video = { play: async () => undefined };
  await assert.rejects(qr.readCamera(video, () => undefined, end.signal), qr.NoReader);
  assert.equal(stopped, 1);
  await assert.rejects(qr.readPicture(new Blob()), qr.NoReader);
  globalThis.BarcodeDetector = class {
    static getSupportedFormats = async () => ["qr_code"];
    detect = async () => [{ rawValue: "a code" }];
  };
  globalThis.createImageBitmap = async () => ({ close: () => undefined });
  assert.equal(await qr.readPicture(new Blob()), "a code");
});

test("what this phone does not believe is not asked for without a rest", () => {
  const found = { requests: [], gone: [], offline: false, clockOffset: 0, disbelieved: ["it has expired"] };
  assert.deepEqual([1, 2, 3, 4, 9].map((times) => watch.rest(found, times)), [5_000, 10_000, 20_000, 30_000, 30_000]);
  assert.ok(watch.rest({ ...found, disbelieved: [] }, 0) < 1_000);
  assert.deepEqual([watch.rest({ ...found, offline: true }, 1), watch.rest({ ...found, offline: true }, 9)],
    [1_000, 30_000]);
  assert.equal(watch.rest({ ...found, requests: [{}] }, 4), 2_000);
});

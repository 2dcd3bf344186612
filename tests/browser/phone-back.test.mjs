// Tests of the phone in Chromium, with a server that says what a test wants it to say: the way back, and what is seen.
//   node --test tests/browser/phone-back.test.mjs
// With PHONE_TEST_PICTURES=DIR it leaves pictures of the screens there.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { DEVICE } from "./fake-server.mjs";

const require = createRequire(import.meta.url); // it looks in NODE_PATH, `import` does not
const { chromium } = require("playwright-core");

const PHONE_APP = new URL("../../phone/", import.meta.url);
const PICTURES = process.env.PHONE_TEST_PICTURES;
const TYPES = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg+xml", png: "image/png",
  webmanifest: "application/manifest+json" };
const ID = "019b76da-9478-7505-8505-000000000009";
const AT = "2026-03-01T08:00:00Z";
const WAY = { status: "active", created_at: AT, last_used_at: null, starts_at: null, expires_at: null, left: null };
const PHONE = { ...WAY, id: DEVICE, kind: "phone", name: "Pixel" };
const SET = { ...WAY, id: ID, kind: "recovery_codes", name: null, left: 7 };
const CODES = Array.from({ length: 10 }, (_, index) => `7KX2-M9QR-T4HB-2ZC${index}`);
const SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const QR = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 246 246"><rect x="0" y="0" width="246" height="246" '
  + 'fill="#fff"/><path fill="#000" d="M24 24h60v60H24V24M160 24h60v60H160V24M24 160h60v60H24V160"/></svg>';

let browser;
let context;
let page;
let routes; // what the server answers
let keys; // of the server
let web;

const origin = () => `http://127.0.0.1:${web.address().port}`;
const problem = (refused, code, headers = {}) => ({ refused, headers, body: { code, detail: "It is so." } });

async function serve(request, response) {
  const [path] = request.url.split("?");
  const send = (status, body, headers = {}) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body && JSON.stringify(body));
  };
  if (path.startsWith("/app/")) {
    const name = path.slice("/app/".length) || "index.html";
    try {
      const file = readFileSync(new URL(name, PHONE_APP));
      const type = TYPES[name.split(".").at(-1)];
      return response.writeHead(200, { "content-type": type }).end(file.toString("latin1").includes("{{name}}")
        ? file.toString().replaceAll("{{name}}", "Contoso") : file);
    } catch {
      return send(404, {});
    }
  }
  const found = routes[`${request.method} ${path}`] ?? problem(404, "not-found");
  const wait = new URL(request.url, origin()).searchParams.has("wait") && !found.refused;
  if (wait) return setTimeout(send, 500, 200, found); // else it would be asked again and again
  return found.refused ? send(found.refused, found.body, found.headers) : send(200, found);
}

before(async () => {
  if (PICTURES) mkdirSync(PICTURES, { recursive: true });
  const { publicKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  keys = { keys: [{ kty, crv, x, y, kid: ID, alg: "ES256", use: "sig" }] };
  web = createServer(serve).listen(0, "127.0.0.1");
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--disable-gpu"],
  });
});

after(async () => {
  await browser?.close();
  web.closeAllConnections?.(); // Node 18.2
  web.close();
});

beforeEach(() => {
  const issuer = origin();
  routes = {
    "GET /.well-known/gatematch": { issuer, name: "Contoso", jwks_uri: `${issuer}/.well-known/jwks.json`,
      vapid_public_key: "AA", api_version: "1" },
    "GET /.well-known/jwks.json": keys,
    "POST /v1/devices": { device_id: DEVICE, user: "ada", issuer, status: "active", server_keys: keys },
    "GET /v1/devices/self": { id: DEVICE, user: "ada", name: "Pixel", status: "active", push: false },
    "GET /v1/devices/self/challenges": { items: [] },
    "GET /v1/devices/self/notices": { items: [] },
    "GET /v1/devices/self/phones": { items: [] },
    "GET /v1/self/authenticators": { items: [PHONE] },
    "POST /v1/self/recovery-codes": { id: ID, codes: CODES },
    "POST /v1/self/totp": { id: ID, secret: SECRET, otpauth_uri: `otpauth://totp/Contoso:ada?secret=${SECRET}`,
      qr_svg: QR },
  };
});

afterEach(() => context.close());

const shows = (screen, state) => page.waitForFunction(([wanted, told]) => {
  const { dataset } = document.body;
  return dataset.screen === wanted && (!told || dataset.state === told);
}, [screen, state]);
/** Presses as soon as it can be pressed. */
async function press(on) {
  await page.waitForFunction((wanted) => {
    const element = document.querySelector(wanted);
    return element && element.getAttribute("aria-disabled") !== "true";
  }, on);
  await page.click(on);
}
/** The phone's own way back. */
const goesBack = () => page.evaluate(() => history.back());
/** How far from the first screen. */
const depth = () => page.evaluate(() => history.state.depth);

/** A phone that was just added, on its overview. */
async function opens(locale = "en-GB") {
  context = await browser.newContext({ viewport: { width: 390, height: 740 }, locale, hasTouch: true });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${origin()}/app/#enroll=gme_nADf7aU9eNxi7bO831Jeu22W10IL1EKHTUg7ilCleS0`);
  await press("#enroll");
  await shows("ready");
  await press("#done");
  await shows("home", "idle");
  await press("#accounts a");
  await shows("account", "listed");
  await press("#ways");
  await shows("ways", "listed");
}

/** Nothing is cut off or cannot be read, in small and large, by day and by night. */
async function isSound(name) {
  for (const [width, height, colorScheme] of [[320, 568, "light"], [320, 568, "dark"], [1280, 800, "light"],
    [1280, 800, "dark"]]) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= room, `${name} is ${wide} wide in ${room}`);
    await page.evaluate(readFileSync(require.resolve("axe-core"), "utf8"));
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    const found = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    assert.deepEqual(found.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [], name);
    const path = PICTURES && join(PICTURES, `${name}-${width}-${colorScheme}.png`);
    if (path) await page.screenshot({ path });
  }
  await page.setViewportSize({ width: 390, height: 740 });
}

test("after each step that is done, the way back leads on, and never stays where it is", async () => {
  await opens();
  const before = await depth();
  await press("#make-codes");
  await shows("codes", "made");
  await isSound("codes-first");
  await press("#done");
  await shows("ways", "listed");
  assert.equal(await depth(), before);
  // The way ahead has nothing more to show.
  await page.evaluate(() => history.forward());
  await shows("ways", "listed");
  await page.waitForFunction((wanted) => history.state.depth === wanted && !history.state.step, before);
  await press("#add-app");
  await shows("totp", "waiting");
  await page.reload();
  await shows("ways", "listed");
  await page.waitForFunction((wanted) => history.state.depth === wanted, before);
  await goesBack();
  await shows("account", "listed");
  await goesBack();
  await shows("home");
  // The app's own buttons do the same.
  await press("#accounts a");
  await shows("account", "listed");
  await press("#ways");
  await shows("ways", "listed");
  await press("#back");
  await shows("account", "listed");
  await press("#back");
  await shows("home", "idle");
  assert.equal(await depth(), before - 2);
});

test("codes that nobody has kept are not lost by one step back", async () => {
  routes["GET /v1/self/authenticators"] = { items: [PHONE, SET] };
  await opens();
  const before = await depth();
  await press("#make-codes");
  await press("#replace-yes");
  await shows("codes", "made");
  await isSound("codes-again");
  await goesBack();
  await shows("codes", "leaving");
  await page.waitForFunction((wanted) => history.state.depth === wanted, before + 1);
  assert.equal(await page.evaluate(() => document.activeElement.id), "leave-what");
  assert.match(await page.innerText("#codes"), new RegExp(CODES[9]));
  await isSound("codes-leaving");
  await press("#leave-no");
  await shows("codes", "made");
  await goesBack();
  await shows("codes", "leaving");
  await goesBack();
  await shows("ways", "listed");
  assert.equal(await depth(), before);
  await press("#back");
  await shows("account", "listed");
});

test("all of the field for the six digits is seen at once, and nothing lies over it", async () => {
  for (const locale of ["en-GB", "de-DE"]) {
    await opens(locale);
    await press("#add-app");
    await shows("totp", "waiting");
    const isFree = () => page.evaluate(() => {
      const { left, top, bottom } = document.getElementById("code").getBoundingClientRect();
      const at = (y) => document.elementFromPoint(left + 9, y)?.id;
      return [at(top + 2), at(bottom - 2), scrollY];
    });
    assert.deepEqual(await isFree(), ["code", "code", 0], locale);
    await isSound(`totp-${locale}`);
    if (locale === "en-GB") await context.close();
  }
  routes[`POST /v1/self/totp/${ID}/confirm`] = problem(422, "wrong-code");
  for (const count of [1, 2, 3, 4, 5]) {
    await page.fill("#code", "123456");
    await press("#confirm");
    await page.waitForFunction(() => document.getElementById("code")?.value !== "123456");
    await shows("totp", count < 5 ? "waiting" : "over");
    if (count === 1) await isSound("totp-wrong");
  }
  await isSound("totp-over");
  await press("#again");
  await shows("totp", "waiting");
});

test("whoever changes too much at once is told when he may go on", async () => {
  await opens();
  routes["POST /v1/self/totp"] = problem(503, "overloaded", { "retry-after": "430" });
  await press("#add-app");
  await shows("ways-failed", "often");
  assert.match(await page.innerText("#screen"), /Too much was changed just now[^]*Try again in 8 minutes\./);
  await isSound("often");
});

test("a phone that was removed says so wherever it is opened, and as soon as it can", async () => {
  await opens();
  await press("#add-app");
  await shows("totp", "waiting");
  const refused = problem(401, "credential-invalid");
  for (const path of Object.keys(routes)) if (path.includes("/self")) routes[path] = refused;
  // It hears of it, and takes the place of nothing that a person is about. It says so where he goes next.
  await page.waitForResponse((response) => response.status() === 401);
  await page.fill("#code", "123456");
  await shows("totp", "waiting");
  await press("#back");
  await shows("result", "gone");
  assert.match(await page.innerText("#screen"), /This phone was removed/);
  await press("#done");
  await shows("home", "removed");
  await isSound("removed");
  for (const hash of ["", `#account=${DEVICE}`, `#ways=${DEVICE}`]) {
    await page.goto("about:blank");
    await page.goto(`${origin()}/app/${hash}`);
    await page.waitForFunction(() => document.getElementById("screen").innerText.includes("This phone was removed"));
  }
});

// How the connect page looks, in Chromium: each state in both languages, in light and dark, on small and large screens,
// and by the keyboard alone:
//   node --test tests/browser/connect-looks.test.mjs
// With CONNECT_TEST_PICTURES=DIR it leaves pictures of the states there.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { ARMED, scriptsWords, startFake, Told, WORDS } from "./connect-fake.mjs";

const require = createRequire(import.meta.url); // it looks in NODE_PATH, `import` does not
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core"), "utf8");

const PICTURES = process.env.CONNECT_TEST_PICTURES;
const WIDTHS = PICTURES ? [320, 1280, 1920] : [320, 1920];
const HEIGHTS = { 320: 640, 1280: 800, 1920: 1080 };
const LOGIN = { gateway: "Oslo gateway", client_name: "CLIENT-PC", requested_at: new Date().toISOString() };
const NUMBER = { ...LOGIN, state: "number", number: "047" };
const LONG = { ...NUMBER, number: "047193", gateway: "gateway-with-a-long-name.remote.contoso.example" };
/** What the server says, by the name of the picture; the state that the page then shows, where it has another name. */
const VIEWS = [
  ["armed", ARMED], ["confirm", { ...LOGIN, state: "confirm" }], ["number", NUMBER], ["number-six", LONG, "number"],
  ["code", { ...NUMBER, number: null }], ["open", { ...ARMED, open_until: new Date(Date.now() + 3.6e6).toISOString() }],
  ["approved", { state: "approved" }], ["refused", { state: "refused" }], ["collision", { state: "collision" }],
  ["expired", { state: "expired" }],
];

let browser;
let server;
let web;

before(async () => {
  if (PICTURES) mkdirSync(PICTURES, { recursive: true });
  web = startFake(() => server);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--disable-gpu"],
  });
});

after(async () => {
  await browser?.close();
  web.closeAllConnections();
  web.close();
});

const shows = (page, state) => page.waitForFunction((wanted) => document.body.dataset.state === wanted, state);
const address = () => `http://127.0.0.1:${web.address().port}/connect`;

/** A page in this language, in a browser that remembers nobody. */
async function opened(language, options = {}) {
  server = new Told();
  const locale = language === "de" ? "de-DE" : "en-GB";
  const context = await browser.newContext({ locale, viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(address());
  await shows(page, "form");
  return page;
}

/** It fits each width, and axe-core has nothing to say, in light and in dark. */
async function isSound(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHTS[width] });
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= room, `${name} is ${wide} wide in ${room}`);
      // What is held for a moment looks pale.
      await page.waitForFunction(() => !document.querySelector("button:disabled"));
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document));
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [],
        `${name} ${colorScheme} ${width}`);
      const path = PICTURES && join(PICTURES, `${name}-${width}-${colorScheme}.png`);
      if (path) await page.screenshot({ path, animations: "disabled" });
    }
  }
}

/** Whether some sentence of the other language is on the page. */
async function speaksOnly(page, language) {
  const other = Object.values(WORDS[language === "de" ? "en" : "de"]).filter((words) => /^[^{]{6,}$/.test(words));
  const text = await page.evaluate(() => `${document.title}\n${document.body.innerText}`);
  assert.deepEqual(other.filter((words) => text.includes(words)), []);
}

for (const language of ["en", "de"]) {
  test(`each state is sound in light and dark, small and large: ${language}`, async () => {
    const page = await opened(language);
    assert.equal(await page.getAttribute("html", "lang"), language);
    await isSound(page, `form-${language}`);
    await page.fill("#user", "CONTOSO\\alice.with-a-long-name@remote.contoso.example");
    await page.keyboard.press("Enter");
    await shows(page, "armed");
    for (const [name, view, state] of VIEWS) {
      server.view = ARMED;
      await page.reload(); // after an end the page asks no more
      await shows(page, "armed");
      server.say(view);
      await shows(page, state ?? name);
      await speaksOnly(page, language);
      await isSound(page, `${name}-${language}`);
    }
    await page.context().close();
  });
}

test("a name is offered the next time, and one press forgets it", async () => {
  const page = await opened("en");
  assert.equal(await page.isVisible("#forget"), false);
  await page.fill("#user", "alice");
  await page.keyboard.press("Enter");
  await shows(page, "armed");
  server.say({ state: "approved" });
  await shows(page, "approved");
  server.view = { state: "approved" };
  server.asked = [];
  await page.reload();
  await shows(page, "form");
  assert.deepEqual([await page.innerText("#user-label"), await page.inputValue("#user")], ["You are", "alice"]);
  assert.equal(await page.isVisible("#user-hint"), false);
  assert.ok(server.asked.every((asked) => !asked.startsWith("POST")), "it begins nothing by itself");
  await isSound(page, "known-en");
  server.view = ARMED;
  // One key goes on as alice.
  await page.keyboard.press("Enter");
  await shows(page, "armed");
  assert.equal(await page.innerText("#you"), "alice");
  server.say({ state: "expired" });
  await shows(page, "expired");
  server.view = { state: "expired" };
  await page.reload();
  await shows(page, "form");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "forget");
  await page.keyboard.press("Enter");
  const kept = () => page.evaluate(() => JSON.stringify([{ ...localStorage }, document.getElementById("user").value]));
  assert.equal(await kept(), JSON.stringify([{}, ""]));
  assert.equal(await page.evaluate(() => document.activeElement.id), "user");
  assert.equal(await page.innerText("#user-label"), "Your user name");
  await page.reload();
  await shows(page, "form");
  assert.equal(await kept(), JSON.stringify([{}, ""]));
  assert.equal(await page.isVisible("#forget"), false);
  await page.context().close();
});

test("a reload in a sign-in goes on with it, and “not you?” there forgets the name as well", async () => {
  const page = await opened("de");
  await page.fill("#user", "alice");
  await page.keyboard.press("Enter");
  await shows(page, "armed");
  await page.reload();
  await shows(page, "armed");
  assert.equal(await page.innerText("#you-are"), "Sie sind alice");
  await page.click("#not-you");
  await shows(page, "form");
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage)), "{}");
  assert.deepEqual([await page.inputValue("#user"), await page.isVisible("#forget")], ["", false]);
  await page.context().close();
});

test("the number is the largest thing on the page, in two groups where it has six digits", async () => {
  const page = await opened("en", { viewport: { width: 320, height: 640 } });
  await page.fill("#user", "alice");
  await page.keyboard.press("Enter");
  await shows(page, "armed");
  for (const [view, groups] of [[NUMBER, ["047"]], [LONG, ["047", "193"]]]) {
    server.say(view);
    await page.waitForFunction((number) => document.getElementById("number-shown").textContent === number, view.number);
    for (const width of [320, 1920]) {
      await page.setViewportSize({ width, height: 800 });
      const looks = await page.evaluate(() => {
        const size = (element) => parseFloat(getComputedStyle(element).fontSize);
        const number = document.getElementById("number-shown");
        return {
          size: size(number), figures: getComputedStyle(number).fontVariantNumeric,
          groups: [...number.children].map((group) => group.textContent),
          larger: [...document.querySelectorAll("main *")].filter((element) => size(element) > size(number)).length,
        };
      });
      assert.ok(looks.size >= 72 && looks.figures.includes("tabular-nums"), JSON.stringify(looks));
      assert.deepEqual([looks.groups, looks.larger], [groups, 0]);
    }
  }
  await page.context().close();
});

test("the keyboard alone gets to everything, and nothing moves where that is not wanted", async () => {
  const page = await opened("en", { reducedMotion: "reduce" });
  await page.keyboard.type("alice");
  await page.keyboard.press("Enter");
  await shows(page, "armed");
  const moving = () => page.evaluate(() => document.getAnimations().length);
  assert.equal(await moving(), 0);
  const reached = [];
  for (let presses = 0; presses < 3; presses += 1) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
  }
  assert.deepEqual(reached, ["not-you", "primary desktop", "code-open"]);
  server.say({ ...LOGIN, state: "confirm" });
  await shows(page, "confirm");
  await page.waitForFunction(() => !document.querySelector("button:disabled"));
  const buttons = [];
  for (let presses = 0; presses < 3; presses += 1) {
    await page.keyboard.press("Tab");
    buttons.push(await page.evaluate(() => document.activeElement.id));
  }
  assert.deepEqual(buttons.filter((id) => ["yes", "no"].includes(id)), ["yes", "no"]);
  assert.equal(await moving(), 0);
  await page.context().close();
});

test("the script gets the words that it asks for, and no others", () => {
  const { asked, got } = scriptsWords();
  assert.deepEqual([...asked].sort(), [...got].sort());
});

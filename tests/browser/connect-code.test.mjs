// Tests of backup codes on the connect page, in Chromium, with a server that says what a test wants it to say:
//   node --test tests/browser/connect-code.test.mjs
// With CONNECT_TEST_PICTURES=DIR it leaves pictures of the states there.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { ARMED, startFake, Told } from "./connect-fake.mjs";

const require = createRequire(import.meta.url); // it looks in NODE_PATH, `import` does not
const { chromium } = require("playwright-core");

const PICTURES = process.env.CONNECT_TEST_PICTURES;
const WRONG = "That code was not right, or codes are not taken now. Look at it again.";
const OVER = "The minute is over. Type a code again: a recovery code that was used works no more.";
const ELSE = "If your own desktop does not open, somebody else may have signed in as you: tell your helpdesk now.";
const LATEST = "Codes are not taken here any more for now. Ask your helpdesk for help.";
const NUMBER = { state: "number", number: "047", gateway: "Oslo gateway", client_name: "CLIENT-PC" };
const CODE = { ...NUMBER, number: null };
const open = (seconds = 60) => ({ ...ARMED, open_until: new Date(Date.now() + 1000 * seconds).toISOString() });

let browser;
let context;
let page;
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

beforeEach(async () => {
  server = new Told();
  context = await browser.newContext({ viewport: { width: 800, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`http://127.0.0.1:${web.address().port}/connect`);
  await page.fill("#user", "alice");
  await page.keyboard.press("Enter");
  await shows("armed");
});

afterEach(async () => {
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state]));
  assert.equal(kept, JSON.stringify([{ "gatematch.user": "alice" }, {}, null]));
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, "/connect");
  assert.ok(server.asked.every((asked) => !server.codes.some((code) => asked.includes(code))));
  await context.close();
});

const shows = (state) => page.waitForFunction((wanted) => document.body.dataset.state === wanted, state);
const says = (words) => page.waitForFunction((wanted) => {
  const said = [document.getElementById("code-fault"), document.getElementById("code-closed")];
  return said.filter((place) => place.checkVisibility()).map((place) => place.textContent).join("") === wanted;
}, words);
/** What a part of the page is called where it is read out. */
async function name(on) {
  const session = await context.newCDPSession(page);
  const { root } = await session.send("DOM.getDocument");
  const { nodeId } = await session.send("DOM.querySelector", { nodeId: root.nodeId, selector: on });
  const { nodes: [node] } = await session.send("Accessibility.getPartialAXTree", { nodeId, fetchRelatives: false });
  await session.detach();
  return node.name.value;
}
const focused = () => page.evaluate(() => document.activeElement?.id);

/** Types a code as somebody without a mouse does. */
async function types(code) {
  if (await page.isVisible("#code-open")) await page.focus("#code-open").then(() => page.keyboard.press("Enter"));
  assert.equal(await focused(), "code");
  await page.keyboard.type(code);
  await page.waitForFunction(() => !document.getElementById("code-use").disabled);
  await page.keyboard.press("Enter");
  assert.equal(await page.inputValue("#code"), "");
}

/** Nothing is cut off or cannot be reached, from the smallest window to a large one, and in the dark. */
async function isSound(name) {
  for (const [width, colorScheme] of [[320, "light"], [320, "dark"], [800, "light"], [1920, "dark"]]) {
    await page.setViewportSize({ width, height: width < 500 ? 568 : 900 });
    await page.emulateMedia({ colorScheme });
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= room, `${name} is ${wide} wide in ${room}`);
    await page.evaluate(readFileSync(require.resolve("axe-core"), "utf8"));
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [], name);
    const path = PICTURES && join(PICTURES, `${name}-${width}-${colorScheme}.png`);
    if (path) await page.screenshot({ path, fullPage: true });
  }
}

test("a code opens the page for a minute, and the page says what happens then", async () => {
  assert.equal(await page.isVisible("#code"), false);
  assert.equal(await name("#entry"), "No phone at hand?");
  await isSound("armed");
  await page.click("#code-open");
  assert.equal(await name("#entry"), "Your backup code");
  await isSound("armed-field");
  server.answer = () => [200, open()];
  await types(" 123 456 ");
  await shows("open");
  assert.deepEqual(server.codes, ["123 456"]);
  assert.equal(await focused(), "open");
  assert.equal(await page.innerText("#open h2"), "You have one minute: start your desktop now.");
  assert.equal(await page.innerText("#open-left"), "About a minute left.");
  assert.equal(await page.isVisible("#open .desktop"), true);
  // True of every code: some can be used more than once.
  assert.match(await page.innerText("#open-then"), /type a code again: a recovery code that was used works no more\.$/);
  assert.equal(await page.isVisible(".steps"), false);
  assert.doesNotMatch(await page.title(), /\d/);
  assert.equal(await page.textContent("#status"), "Start your desktop now");
  await isSound("open");

  server.say(ARMED);
  await shows("armed");
  await says(OVER);
  assert.equal(await focused(), "code");
  await isSound("over");
  server.say({ state: "approved" });
  await shows("approved");
  assert.equal(await page.isVisible("#entry"), false);
  assert.equal(await page.innerText("#approved-else"), "", "the code was over");
});

test("whom a code has let in is told how to find out that it was somebody else", async () => {
  for (const [view, what] of [[{ state: "approved" }, ""],
    [{ ...NUMBER, state: "approved", number: null }, "CLIENT-PC at Oslo gateway"]]) {
    server.answer = () => [200, open()];
    await types("123456");
    await shows("open");
    server.say(view);
    await shows("approved");
    assert.deepEqual([await page.innerText("#approved-else"), await page.innerText("#approved-what")], [ELSE, what]);
    assert.match(await page.innerText("#approved"), /You can close this page\./);
    await isSound(what ? "approved-told" : "approved-else");
    server.view = ARMED;
    await page.click("#approved .again");
    await shows("armed");
  }
  // Not so where the number was typed, or where the code was typed for a sign-in that was seen here.
  for (const before of [NUMBER, CODE]) {
    server.say(before);
    await shows(before.number ? "number" : "code");
    server.say({ ...before, state: "approved" });
    await shows("approved");
    assert.equal(await page.textContent("#approved-else") + await page.textContent("#approved-what"), "");
    server.view = ARMED;
    await page.click("#approved .again");
    await shows("armed");
  }
});

test("a code that was typed and not sent is not there for who comes back", async () => {
  await page.click("#code-open");
  await page.keyboard.type("7K3M-9QX2");
  const happens = (name, persisted) => page.evaluate(([event, isKept]) => {
    dispatchEvent(new PageTransitionEvent(event, { persisted: isKept }));
    return document.getElementById("code").value;
  }, [name, persisted]);
  assert.equal(await happens("pageshow", false), "7K3M-9QX2");
  assert.equal(await happens("pagehide", true), "");
  await page.keyboard.type("7K3M-9QX2");
  assert.equal(await happens("pageshow", true), "");
  // Really: away and back, and loaded anew.
  for (const leave of [async () => { await page.goto("about:blank"); await page.goBack(); }, () => page.reload()]) {
    await page.fill("#code", "7K3M-9QX2");
    await leave();
    await shows("armed");
    assert.equal(await page.inputValue("#code"), "");
    await page.click("#code-open");
  }
});

test("the time left is told in steps, also after a reload, and its end is the server's to tell", async () => {
  server.say(open(33));
  await shows("open");
  await page.reload();
  await shows("open");
  assert.match(await page.innerText("#open-left"), /^About [34]0 seconds left\.$/);
  server.say(open(2));
  await page.waitForFunction(() => document.getElementById("open-left").textContent === "A few seconds left.");
  const before = server.asked.length;
  server.streams = []; // it is not told any more: it must ask
  server.view = ARMED;
  await shows("armed");
  assert.ok(server.asked.slice(before).includes("GET /connect/sessions/current"));
});

test("a wrong code is told so, three times, and then no more are taken until it begins anew", async () => {
  for (const code of ["000000", "AAAAA-AAAAA"]) {
    await types(code);
    await says(WRONG);
    assert.equal(await page.getAttribute("#code", "aria-invalid"), "true");
  }
  await isSound("wrong");
  await types("000001");
  await says(LATEST);
  assert.deepEqual([await page.isVisible("#code"), await page.isVisible("#code-open")], [false, false]);
  assert.equal(await focused(), "entry");
  assert.equal(await name("#entry"), "Your backup code");
  await isSound("no-more");
  server.say(NUMBER);
  await shows("number");
  await says(LATEST);

  server.view = ARMED;
  for (const begins of [() => page.click("#code-again"), async () => {
    await page.click("#not-you");
    await shows("form");
    await page.fill("#user", "alice");
    await page.keyboard.press("Enter");
  }]) {
    await begins();
    await shows("armed");
    assert.deepEqual([await page.isVisible("#code-open"), await page.isVisible("#code-again")], [true, false]);
    assert.equal(await page.textContent("#code-fault") + await page.textContent("#code-closed"), "");
  }
  assert.equal(server.asked.filter((asked) => asked === "POST /connect/sessions").length, 3);
});

test("after a reload, when only the server knows how many were wrong, it can be begun anew at once", async () => {
  await types("000000");
  await says(WRONG);
  assert.equal(await page.isVisible("#code-again"), false);
  await page.reload();
  await shows("armed");
  await types("000000");
  await says(WRONG);
  assert.equal(await page.isVisible("#code-again"), true);
  await isSound("wrong-after-reload");
  await page.click("#code-again");
  await page.waitForFunction(() => document.getElementById("code-again").hidden);
  await types("000000");
  await says(WRONG);
  assert.equal(await page.isVisible("#code-again"), false);
});

test("under the number a code stands in for the phone", async () => {
  server.say(NUMBER);
  await shows("number");
  assert.equal(await page.innerText("#code-offered"), "No phone at hand?");
  assert.equal(await name("#entry"), "No phone at hand?");
  await isSound("number");
  server.answer = () => [200, { ...NUMBER, state: "approved", number: null }];
  await types("7K3M-9QX2-H4TW-0VBN");
  await shows("approved");
});

test("who has codes only is asked for one at once", async () => {
  server.say(CODE);
  await shows("code");
  assert.equal(await page.innerText("#code-title"), "Type your code");
  assert.equal(await name("#entry"), "Type your code");
  assert.match(await page.innerText("#code-what"), /^For CLIENT-PC at Oslo gateway/);
  assert.equal(await focused(), "code");
  assert.equal(await page.isVisible("#code-open"), false);
  assert.match(await page.title(), /^Type your code - /);
  await isSound("code");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "code-use");
  await page.focus("#code");
  server.answer = () => [200, { ...CODE, state: "approved" }];
  await types("123456");
  await shows("approved");
});

test("a code that was not looked at is no wrong one, and is never sent again by itself", async () => {
  const busy = "Codes are not taken at the moment. Wait";
  for (const [answer, words] of [
    [[429, {}, { "retry-after": "60" }], `${busy} a minute, then type your code again.`],
    [[429, {}, { "retry-after": "300" }], `${busy} 5 minutes, then type your code again.`],
    [[503, {}, { "retry-after": "5" }], `${busy} a moment, then type your code again.`],
    [[500, {}], `${busy} a moment, then type your code again.`],
    [[], "No answer came. If nothing changes here, type your code again."],
  ]) {
    server.answer = () => answer;
    await types("123456");
    await says(words);
  }
  assert.equal(server.codes.length, 5);
  await page.focus("#code");
  await page.keyboard.press("Enter");
  await says("Type your code first.");
  assert.equal(server.codes.length, 5);
});

test("a code that came when none is taken leads to what the server shows", async () => {
  server.answer = () => {
    server.view = { state: "confirm" }; // it is not told of this: it must ask
    return [409, { code: "nothing-to-confirm", state: "confirm" }];
  };
  await types("123456");
  await shows("confirm");
  assert.equal(await page.isVisible("#entry"), false);
  server.say(NUMBER);
  await shows("number");
  assert.equal(await page.isVisible("#code"), true); // as he had opened it
});

// Drives the real connect page in a real browser, for a test that plays the gateway and the phone.
//
//   node connect.mjs <base-url> <user> [--answer yes|no] [--expect STATE] [--profile DIR] [--screenshots DIR]
//                                      [--timeout SECONDS] [--code CODE]... [--late-code CODE]...
//                                      [--lang en|de] [--looks] [--forget]
//
// One line of JSON for each step on stdout, and nothing else there:
//   {"step":"form","offers":"alice"}              with --forget alone: the name that the page offers, before and after
//   {"step":"armed"}                              a sign-in may begin now
//   {"step":"confirm","text":"A sign-in ..."}     left out where the browser is known
//   {"step":"wrong","text":"That code ..."}       for each code that was not taken
//   {"step":"open"}                               a code was taken: a sign-in that begins now is let in
//   {"step":"number","number":"047"}              to be typed on the phone
//   {"step":"code"}                               in its place: there is no phone to type it on
//   {"step":"approved","cookies":["__Host-..."]}  or refused, collision, expired
// With --code it types these codes, one after the other, before the sign-in; with --late-code while the sign-in waits.
// It ends with 0 where the last step is the expected one (approved, unless told) and the page was clean: no error in
// the console or in the script, and nothing that the content security policy had to stop. With --profile the browser
// keeps its cookies in DIR, so that a second run is by a browser that is known, and goes on with the name that the page
// then offers; with --forget it says "not you?" to that name first, and types it anew. --lang is what the browser asks
// for. With --looks each state must fit a small and a large screen and satisfy axe-core, in light and in dark.
//
// Needs playwright-core (`npm ci` here, or NODE_PATH) and Chromium (CHROMIUM, else /usr/bin/chromium).

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const require = createRequire(import.meta.url); // it looks in NODE_PATH, `import` does not
const { chromium } = require("playwright-core");

const END = ["approved", "refused", "collision", "expired"];
const CURRENT = "/connect/sessions/current";
const TAKES_CODE = `${CURRENT}/passcode`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    answer: { type: "string", default: "yes" },
    expect: { type: "string", default: "approved" },
    profile: { type: "string" },
    screenshots: { type: "string" },
    timeout: { type: "string", default: "60" },
    code: { type: "string", multiple: true, default: [] },
    "late-code": { type: "string", multiple: true, default: [] },
    lang: { type: "string", default: "en" },
    looks: { type: "boolean", default: false },
    forget: { type: "boolean", default: false },
  },
});
const [base, user] = positionals;
const known = ["yes", "no"].includes(options.answer) && ["en", "de"].includes(options.lang) && END.includes(options.expect) && Number(options.timeout) > 0;
if (positionals.length !== 2 || !known) {
  console.error("usage: node connect.mjs <base-url> <user> [--answer yes|no] [--expect STATE] [--profile DIR] "
    + "[--screenshots DIR] [--timeout SECONDS] [--code CODE]... [--late-code CODE]... "
    + "[--lang en|de] [--looks] [--forget]");
  process.exit(2);
}

const faults = [];
const tell = (step) => process.stdout.write(`${JSON.stringify(step)}\n`);

/** Waits until the page shows one of the states, and says which. */
async function reach(page, ...states) {
  const found = await page.waitForFunction((wanted) => {
    const { state } = document.body.dataset;
    return wanted.includes(state) && state;
  }, states);
  const state = await found.jsonValue();
  if (options.screenshots) await page.screenshot({ path: join(options.screenshots, `${state}.png`), fullPage: true });
  const title = await page.title();
  if (/\d/.test(title.split(" - ")[0])) faults.push(`a number in the title: ${title}`);
  if (options.looks) await look(page, state);
  return state;
}

/** Whether a state fits small and large screens, and what axe-core finds that is serious, in light and in dark. */
async function look(page, state) {
  const before = page.viewportSize();
  const session = await page.context().newCDPSession(page);
  // By the protocol, past the content security policy, which is not what is looked at.
  const evaluate = async (expression) => {
    const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    return result.value;
  };
  await evaluate(`${readFileSync(require.resolve("axe-core"), "utf8")}; null`);
  await page.waitForFunction(() => !document.querySelector("button:disabled")); // what is held for a moment looks pale
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [320, 1920]) {
      const where = `${state} ${options.lang} ${colorScheme} ${width}`;
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) faults.push(`${where} is ${wide} wide`);
      const violations = await evaluate("axe.run(document).then(({ violations }) => violations)");
      for (const { id, impact, nodes } of violations.filter((found) => ["serious", "critical"].includes(found.impact))) {
        faults.push(`${where}: ${impact} ${id}: ${nodes.map((node) => node.html).join(" ")}`);
      }
    }
  }
  await session.detach();
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null });
}

/** The name that the form offers must be the one that the browser keeps; says whose it is. */
async function offered(page) {
  const [name, kept, forgets] = await page.evaluate(() => [document.getElementById("user").value,
    localStorage.getItem("gatematch.user"), document.getElementById("forget").checkVisibility()]);
  if (name !== (kept ?? "")) faults.push(`it keeps ${kept}, and offers ${name}`);
  if (forgets !== (name !== "")) faults.push(`there is something to forget: ${forgets}, and the name is ${name}`);
  return name;
}

function listen(page) {
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    // A browser that comes again asks for its session first, and 401 is how the server says that there is none.
    const none = message.location().url.endsWith(CURRENT) && message.text().includes("401");
    const wrong = message.location().url.endsWith(TAKES_CODE) && message.text().includes("422");
    if (["error", "warning"].includes(message.type()) && !none && !wrong) {
      faults.push(`console: ${message.text()} (${message.location().url})`);
    }
  });
}

/** Types a code with the keyboard, and waits for what comes of it; says whether it was taken. */
async function type(page, code) {
  if (await page.isVisible("#code-open")) await page.press("#code-open", "Enter");
  const before = await page.evaluate(() => document.body.dataset.state);
  await page.fill("#code", code);
  await page.press("#code-use:enabled", "Enter");
  const outcome = await page.waitForFunction((state) => {
    const words = ["code-fault", "code-closed"].map((id) => document.getElementById(id).textContent).join("");
    return document.body.dataset.state !== state ? { isTaken: true } : words && { isTaken: false, words };
  }, before);
  if (await page.inputValue("#code")) faults.push("the code stays in its field");
  const { isTaken, words } = await outcome.jsonValue();
  if (!isTaken) tell({ step: "wrong", text: words });
  return isTaken;
}

/** What the page keeps, or shows in its address, is not what was typed. */
async function forgets(page, codes) {
  const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, location.href, document.title]));
  if (codes.some((code) => kept.includes(code))) faults.push(`a code is kept: ${kept}`);
}

async function drive(context) {
  const page = context.pages()[0] ?? await context.newPage();
  page.setDefaultTimeout(1000 * Number(options.timeout));
  listen(page);
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`);
  }));
  // The first answer that says "approved" carries the cookie of the browser that is known from now on.
  const bound = new Promise((resolve) => page.on("response", async (response) => {
    if (new URL(response.url()).pathname !== CURRENT || response.status() !== 200) return;
    const view = await response.json().catch(() => ({}));
    if (view.state === "approved") resolve();
  }));

  const answer = await page.goto(new URL("/connect", base).href);
  if (answer?.status() !== 200) throw new Error(`GET /connect: ${answer?.status()}`);
  if (!answer.headers()["content-security-policy"]) faults.push("no content security policy");
  await reach(page, "form");
  const language = await page.getAttribute("html", "lang");
  if (language !== options.lang) faults.push(`it speaks ${language}`);
  let name = await offered(page);
  if (options.forget) {
    tell({ step: "form", offers: name });
    await page.click("#forget");
    name = await offered(page);
    tell({ step: "form", offers: name });
  }
  if (name !== user) await page.fill("#user", user);
  await page.click("form button");
  await reach(page, "armed");
  tell({ step: "armed" });
  for (const code of options.code) {
    if (await type(page, code)) tell({ step: await reach(page, "open") });
  }

  let state = await reach(page, "confirm", "number", "code", ...END);
  if (state === "confirm") {
    tell({ step: state, text: await page.innerText("#confirm-what") });
    await page.click(options.answer === "yes" ? "#yes" : "#no");
    state = await reach(page, "number", "code", ...END);
  }
  if (state === "number") {
    const number = await page.textContent("#number-shown");
    if ((await page.textContent("#number-spoken")) !== [...number].join(", ")) faults.push("another number is read out");
    tell({ step: state, number });
  } else if (state === "code") {
    tell({ step: state });
  }
  if (["number", "code"].includes(state)) {
    for (const code of options["late-code"]) await type(page, code);
    state = await reach(page, ...END);
  }
  await forgets(page, [...options.code, ...options["late-code"]]);
  if (state === "approved") {
    await bound;
    tell({ step: state, cookies: (await context.cookies()).map((cookie) => cookie.name).sort() });
  } else {
    tell({ step: state });
  }
  if (state !== options.expect) faults.push(`expected ${options.expect}, came to ${state}`);
}

if (options.screenshots) mkdirSync(options.screenshots, { recursive: true });
const profile = options.profile ?? mkdtempSync(join(tmpdir(), "gatematch-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  locale: options.lang === "de" ? "de-DE" : "en-GB",
  args: ["--disable-gpu", "--disable-quic", "--disable-sync", "--disable-component-update"],
});
try {
  await drive(context);
} catch (error) {
  faults.push(error.message);
} finally {
  await context.close();
  if (!options.profile) rmSync(profile, { recursive: true, force: true });
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

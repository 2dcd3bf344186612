// Drives the real connect page in a real browser, for a test that plays the gateway and the phone.
//
//   node connect.mjs <base-url> <user> [--answer yes|no] [--expect STATE] [--profile DIR] [--screenshots DIR]
//                                      [--timeout SECONDS]
//
// One line of JSON for each step on stdout, and nothing else there:
//   {"step":"armed"}                              a sign-in may begin now
//   {"step":"confirm","text":"A sign-in ..."}     left out where the browser is known
//   {"step":"number","number":"047"}              to be typed on the phone
//   {"step":"approved","cookies":["__Host-..."]}  or refused, collision, expired
// It ends with 0 where the last step is the expected one (approved, unless told) and the page was clean: no error in
// the console or in the script, and nothing that the content security policy had to stop. With --profile the browser
// keeps its cookies in DIR, so that a second run is by a browser that is known.
//
// Needs playwright-core (`npm ci` here, or NODE_PATH) and Chromium (CHROMIUM, else /usr/bin/chromium).

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { chromium } = createRequire(import.meta.url)("playwright-core"); // `require` looks in NODE_PATH, `import` does not

const END = ["approved", "refused", "collision", "expired"];
const CURRENT = "/connect/sessions/current";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    answer: { type: "string", default: "yes" },
    expect: { type: "string", default: "approved" },
    profile: { type: "string" },
    screenshots: { type: "string" },
    timeout: { type: "string", default: "60" },
  },
});
const [base, user] = positionals;
const known = ["yes", "no"].includes(options.answer) && END.includes(options.expect) && Number(options.timeout) > 0;
if (positionals.length !== 2 || !known) {
  console.error("usage: node connect.mjs <base-url> <user> [--answer yes|no] [--expect STATE] [--profile DIR] "
    + "[--screenshots DIR] [--timeout SECONDS]");
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
  return state;
}

function listen(page) {
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    // A browser that comes again asks for its session first, and 401 is how the server says that there is none.
    const none = message.location().url.endsWith(CURRENT) && message.text().includes("401");
    if (["error", "warning"].includes(message.type()) && !none) {
      faults.push(`console: ${message.text()} (${message.location().url})`);
    }
  });
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
  await page.fill("#user", user);
  await page.click("form button");
  await reach(page, "armed");
  tell({ step: "armed" });

  let state = await reach(page, "confirm", "number", ...END);
  if (state === "confirm") {
    tell({ step: state, text: await page.innerText("#confirm-what") });
    await page.click(options.answer === "yes" ? "#yes" : "#no");
    state = await reach(page, "number", ...END);
  }
  if (state === "number") {
    const number = await page.textContent("#number-shown");
    if ((await page.textContent("#number-spoken")) !== [...number].join(", ")) faults.push("another number is read out");
    tell({ step: state, number });
    state = await reach(page, ...END);
  }
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

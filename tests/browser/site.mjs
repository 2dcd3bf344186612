// The console and the portal in a real browser, moved by a test.
//
//   node site.mjs <base-url> [--size WIDTHxHEIGHT] [--theme light|dark] [--lang en|de]
//
// One line of JSON on stdin is one order, and one line on stdout its answer: {"ok":...} or {"fault":"..."}. The orders
// are the functions of `orders` below. At the end of stdin it says {"ok":{"faults":[...]}}: whatever the pages complained
// about (console, scripts, content security policy, requests to elsewhere), and exits.
//
// Needs playwright-core (`npm ci` here, or NODE_PATH) and Chromium (CHROMIUM, else /usr/bin/chromium).

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const require = createRequire(import.meta.url); // `require` looks in NODE_PATH, `import` does not
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core"), "utf8");

const { values: options, positionals: [base] } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: "string", default: "1280x900" },
    theme: { type: "string", default: "light" },
    lang: { type: "string", default: "en" },
  },
});
const [width, height] = options.size.split("x").map(Number);
const origin = new URL(base).origin;

/** How long anything may take, in milliseconds. */
const LIMIT = 30_000;
/** Whatever the pages complain about. */
const faults = [];
/** Failures in the console that the test expects: texts of which one must occur in it. */
const expected = [];
/** How many things were pressed or typed since the last `count`. */
let clicks = 0;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
});
const context = await browser.newContext({
  viewport: { width, height },
  colorScheme: options.theme,
  locale: options.lang === "de" ? "de-DE" : "en-GB",
  timezoneId: "Europe/Oslo",
});
const page = await context.newPage();
page.setDefaultTimeout(LIMIT);
page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
page.on("console", (message) => {
  const text = `${message.text()} (${message.location().url})`;
  const told = expected.some((part) => text.includes(part));
  if (["error", "warning"].includes(message.type()) && !told) faults.push(`console: ${text}`);
});
await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`);
}));
context.on("request", (request) => {
  const url = new URL(request.url());
  if (["http:", "https:"].includes(url.protocol) && url.origin !== origin) faults.push(`elsewhere: ${request.url()}`);
});

/** By the protocol, past the content security policy, which is not what is looked at. */
async function axe() {
  const session = await context.newCDPSession(page);
  const evaluate = async (expression) => {
    const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    return result.value;
  };
  await evaluate(`${AXE}; null`);
  const violations = await evaluate("axe.run(document).then(({ violations }) => violations)");
  await session.detach();
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(" ")}`);
}

/** What a test can order. Each takes what stands in the order beside its name, and gives what can be JSON. */
const orders = {
  /** Opens a path of the server, or another address. */
  async open({ url }) {
    // The same page with another fragment would not be loaded anew.
    await page.goto("about:blank");
    const answer = await page.goto(new URL(url, base).href);
    return answer?.status() ?? 0;
  },
  /** Presses a button or a link; waits for the page that it leads to. */
  async click({ on }) {
    clicks += 1;
    await page.locator(on).first().click();
    await page.waitForLoadState("domcontentloaded");
  },
  async fill({ on, text }) {
    clicks += 1;
    await page.locator(on).first().fill(text);
  },
  async choose({ on, value }) {
    clicks += 1;
    await page.locator(on).first().selectOption(value);
  },
  async check({ on }) {
    clicks += 1;
    await page.locator(on).first().check();
  },
  /** Unfolds what is folded, if it is. */
  async unfold({ on }) {
    const details = page.locator(on).first();
    if (await details.evaluate((it) => it.open)) return;
    clicks += 1;
    await details.locator("summary").first().click();
  },
  press: async ({ key }) => void await page.keyboard.press(key),
  /** Waits until the address has this path. */
  async reaches({ path }) {
    await page.waitForURL((url) => url.pathname === path).catch(async (cause) => {
      const seen = await page.evaluate(() => `${location.href} | ${document.body.innerText}`);
      throw new Error(`${path} is not reached; there is ${seen}: ${cause.message}`);
    });
    await page.waitForLoadState("domcontentloaded");
  },
  /** Waits until there is something that the selector names, with this text if one is given. */
  async waits({ for: what, text }) {
    const found = text ? page.locator(what, { hasText: text }) : page.locator(what);
    await found.first().waitFor({ state: "attached" }).catch(async (cause) => {
      throw new Error(`${what} ${text ?? ""} is not there; there is ${await page.innerText("body")}: ${cause.message}`);
    });
  },
  /** What is folded has no text of its own, and is told all the same. */
  async text({ on }) {
    const found = page.locator(on).first();
    return (await found.innerText()) || (await found.textContent()).trim();
  },
  value: ({ on }) => page.locator(on).first().inputValue(),
  attribute: ({ on, name }) => page.locator(on).first().getAttribute(name),
  amount: ({ on }) => page.locator(on).count(),
  path: () => new URL(page.url()).pathname,
  html: () => page.content(),
  cookies: async () => (await context.cookies()).map(({ name }) => name).sort(),
  /** Failures in the console that have this text in them are meant. */
  expect: ({ text }) => void expected.push(text),
  /** How many clicks and fields there were since it was asked last. */
  count() {
    const told = clicks;
    clicks = 0;
    return told;
  },
  /** Whether the page fits a small and a large screen, and what axe-core finds in it that is serious: light on the small one,
   *  dark on the large one. The faults. */
  async looks() {
    const found = [];
    for (const [colorScheme, wide] of [["light", 320], ["dark", 1920]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: wide, height: 900 });
      const where = `${new URL(page.url()).pathname} ${options.lang} ${colorScheme} ${wide}`;
      const is = await page.evaluate(() => document.documentElement.scrollWidth);
      if (is > wide) found.push(`${where} is ${is} wide`);
      for (const fault of await axe()) found.push(`${where}: ${fault}`);
    }
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: options.theme });
    return found;
  },
  /** Takes a picture. */
  async picture({ file, theme, whole }) {
    mkdirSync(dirname(file), { recursive: true });
    if (theme) await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: file, fullPage: whole ?? true });
    await page.emulateMedia({ colorScheme: options.theme });
  },
};

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
tell({ ok: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  const { order, ...rest } = JSON.parse(line);
  try {
    tell({ ok: (await orders[order](rest)) ?? null });
  } catch (error) {
    tell({ fault: `${order}: ${error.message}` });
  }
}
await browser.close();
tell({ ok: { faults } });

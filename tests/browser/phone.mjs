// The real phone in a real browser, moved by a test.
//
//   node phone.mjs <base-url> [--size WIDTHxHEIGHT] [--theme light|dark] [--lang en|de]
//
// One line of JSON on stdin is one order, and one line on stdout its answer: {"ok":...} or {"fault":"..."}. The orders
// are the functions of `orders` below. At the end of stdin it says {"ok":{"faults":[...]}}: whatever the pages
// complained about (console, scripts, content security policy, requests to elsewhere), and exits.
//
// The browser's push service is not reached. `pushManager` gives what the test gives with the order `subscription`, and
// what that push service has opened comes in with the order `push`, through the DevTools protocol, as Chromium itself
// would hand it to the service worker.
//
// Needs playwright-core (`npm ci` here, or NODE_PATH) and Chromium (CHROMIUM, else /usr/bin/chromium).

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { replaceSubscription, startWorker } from "./push.mjs";
import { FILES, MODULES, run } from "./vectors.mjs";

const require = createRequire(import.meta.url); // `require` looks in NODE_PATH, `import` does not
const { chromium } = require("playwright-core");

const { values: options, positionals: [base] } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: "string", default: "390x844" },
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
/** Every request and answer of the phone's side, for a search. */
const traffic = [];
/** Failures in the console that the test expects: texts of which one must occur in it. */
const expected = [];

const profile = mkdtempSync(join(tmpdir(), "gatematch-phone-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream"],
  viewport: { width, height },
  colorScheme: options.theme,
  locale: options.lang === "de" ? "de-DE" : "en-GB",
  hasTouch: true,
  permissions: ["notifications"],
});
const page = context.pages()[0] ?? await context.newPage();
page.setDefaultTimeout(LIMIT);
const session = await context.newCDPSession(page);
const subscriptions = await replaceSubscription(page);
const worker = await startWorker(context, page, session, origin);

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
  const who = request.serviceWorker() ? "worker" : "page";
  traffic.push(`${who} ${request.method()} ${request.url()} ${request.postData() ?? ""}`);
});
context.on("response", async (response) => {
  if (new URL(response.url()).pathname.startsWith("/v1")) {
    traffic.push(await response.text().catch(() => ""));
  }
});

/** What a test can order. Each takes what stands in the order beside its name, and gives what can be JSON. */
const orders = {
  /** Opens a path of the server, or another address. */
  async open({ url }) {
    // The same page with another fragment would not be loaded anew.
    await page.goto("about:blank");
    const answer = await page.goto(new URL(url, base).href);
    return answer.status();
  },
  reload: async () => void await page.reload(),
  /** Waits for a screen, and where it is given for its state. */
  async reaches({ screen, state }) {
    await page.waitForFunction(([wanted, told]) => {
      const { screen, state } = document.body.dataset;
      return screen === wanted && (told === null || state === told);
    }, [screen, state ?? null]).catch(async (cause) => {
      const seen = await page.evaluate(() => [document.body.dataset.screen, document.body.dataset.state,
        document.body.innerText]);
      throw new Error(`${screen} ${state ?? ""} is not reached; there is ${seen.join(" | ")}: ${cause.message}`);
    });
    return orders.shown();
  },
  shown: () => page.evaluate(() => ({
    screen: document.body.dataset.screen,
    state: document.body.dataset.state ?? null,
    text: document.body.innerText,
    title: document.title,
    lang: document.documentElement.lang,
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  })),
  /** Waits until there is something that the selector names. */
  waits: async ({ for: what }) => void await page.locator(what).first().waitFor({ state: "attached" }),
  click: async ({ on }) => void await page.locator(on).click(),
  tap: async ({ on }) => void await page.locator(on).tap(),
  fill: async ({ on, text }) => void await page.locator(on).fill(text),
  /** Types key after key, into whatever has the focus. */
  type: async ({ text }) => void await page.keyboard.type(text),
  text: ({ on }) => page.locator(on).innerText(),
  value: ({ on }) => page.locator(on).inputValue(),
  attribute: ({ on, name }) => page.locator(on).getAttribute(name),
  /** What is there, as markup. */
  markup: ({ on }) => page.locator(on).evaluate((it) => it.outerHTML),
  count: ({ on }) => page.locator(on).count(),
  /** Whether a button can be pressed. */
  enabled: ({ on }) => page.locator(on).evaluate((it) => !it.disabled && it.getAttribute("aria-disabled") !== "true"),
  focus: () => page.evaluate(() => document.activeElement?.id ?? ""),
  /** Whether the phone no longer hears what waits for it. */
  async blind({ on }) {
    const url = /\/v1\/devices\/self\/challenges/;
    if (on) await page.route(url, (route) => new Promise(() => route));
    else await page.unroute(url);
  },
  /** The next answer of the phone arrives, and what the server says to it is lost. */
  loseAnswer: async () => void await page.route(/\/response$/, async (route) => {
    await route.fetch();
    await route.abort("connectionreset");
  }, { times: 1 }),
  /** The next enrollment arrives, and what the server says to it is lost. */
  loseEnrollment: async () => void await page.route(/\/v1\/devices$/, async (route) => {
    await route.fetch();
    await route.abort("connectionreset");
  }, { times: 1 }),
  /** Chooses a picture, which is drawn from SVG, in a field for files. */
  async choosePicture({ on, svg }) {
    const drawer = await context.newPage();
    await drawer.setContent(svg);
    const buffer = await drawer.locator("svg").screenshot();
    await drawer.close();
    await page.locator(on).setInputFiles({ name: "code.png", mimeType: "image/png", buffer });
  },
  /** From the next page on, as Safari on an iPhone is: `standalone` tells whether the app was opened from the Home Screen. */
  iphone: async ({ standalone }) => void await page.addInitScript((told) => {
    Object.defineProperty(Navigator.prototype, "standalone", { get: () => told, configurable: true });
  }, standalone),
  /** What was copied. */
  clipboard: () => page.evaluate(() => navigator.clipboard.readText()),
  offline: async ({ on }) => void await context.setOffline(on),
  /** Moves the page's clock ahead; timers that come due are run. */
  async ahead({ seconds }) {
    await page.clock.fastForward(seconds * 1000);
  },
  /** Puts the page's clock into the test's hand; before the page is opened. */
  holdClock: async ({ at }) => void await page.clock.install(at ? { time: at * 1000 } : {}),
  /** What `pushManager.subscribe` gives from now on; `null`: it fails, as without a push service. */
  subscription: ({ give }) => void subscriptions.give(give),
  /** Allows or forbids what a browser asks its person for, by the protocol's name. */
  permit: async ({ name, setting }) => void await session.send("Browser.setPermission",
    { permission: { name }, setting, origin }),
  /** Hands a message to the service worker, as it came out of the sealed body. */
  push: ({ data }) => worker.push(data),
  /** Waits until a notification has this title; all that stand then. One that is replaced is gone for a moment. */
  waitsForNotification: ({ title }) => until(async () => {
    const shown = await worker.shown();
    return shown.some((one) => one.title === title) && shown;
  }, title),
  /** Waits until the service worker has kept what it keeps. */
  workerIsActive: () => worker.isActive(),
  /** Everything that the phone keeps, as text: databases, caches, storages, address, and what the page holds. */
  storage: () => page.evaluate(dump, true),
  /** The same without what the page shows. */
  kept: () => page.evaluate(dump, false),
  traffic: () => traffic.join("\n"),
  /** Tries to get the private keys out; each name is one that came out. */
  exportKeys: () => page.evaluate(exportKeys),
  installability: async () => {
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    return installabilityErrors;
  },
  /** Serious and critical findings of axe-core. */
  async axe() {
    // By the protocol, past the content security policy, which is not what is looked at.
    await session.send("Runtime.evaluate", { expression: readFileSync(require.resolve("axe-core"), "utf8") });
    const asked = await session.send("Runtime.evaluate", {
      expression: "axe.run(document).then(({ violations }) => violations)", awaitPromise: true, returnByValue: true,
    });
    return asked.result.value.filter(({ impact }) => ["serious", "critical"].includes(impact))
      .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
  },
  /** Runs the vectors of the protocol in the page. */
  vectors: () => {
    const directory = new URL("../../protocol/vectors/", import.meta.url);
    const read = (name) => [name, JSON.parse(readFileSync(new URL(`${name}.json`, directory), "utf8"))];
    return page.evaluate(`(async () => {
      const run = ${run};
      const names = ${JSON.stringify(MODULES)};
      const loaded = await Promise.all(names.map((name) => import("/app/" + name + ".js")));
      const modules = Object.fromEntries(names.map((name, at) => [name, loaded[at]]));
      return run(${JSON.stringify(Object.fromEntries(FILES.map(read)))}, modules);
    })()`);
  },
  theme: async ({ theme }) => void await page.emulateMedia({ colorScheme: theme }),
  size: async ({ width, height }) => void await page.setViewportSize({ width, height }),
  async picture({ path }) {
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path, animations: "disabled" });
  },
  /** A text of which one must occur in a complaint of the console that is meant. */
  expect: ({ text }) => void expected.push(text),
};

/** Looks until there is something; `page.waitForFunction` takes the promise of an asynchronous function for a yes. */
async function until(look, what) {
  const end = performance.now() + LIMIT;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`it does not come: ${what}`);
  }
}

/** Runs in the page. */
async function dump(withPage) {
  const kept = [withPage ? document.documentElement.outerHTML : "", location.href, JSON.stringify(localStorage),
    JSON.stringify(sessionStorage), document.cookie, JSON.stringify(history.state)];
  const whole = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  for (const { name } of await indexedDB.databases()) {
    const database = await whole(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      kept.push(JSON.stringify(await whole(database.transaction(store).objectStore(store).getAll())));
    }
    database.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      kept.push(request.url, await (await cache.match(request)).text());
    }
  }
  return kept.join("\n");
}

/** Runs in the page. */
async function exportKeys() {
  const out = [];
  let keys = 0;
  const whole = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const visit = async (value, seen = new Set()) => {
    if (value instanceof CryptoKey && value.type === "private") {
      keys += 1;
      for (const format of ["pkcs8", "jwk", "raw"]) {
        await crypto.subtle.exportKey(format, value).then(() => out.push(format), () => undefined);
      }
    } else if (value && typeof value === "object" && !seen.has(value)) {
      seen.add(value);
      for (const member of Object.values(value)) await visit(member, seen);
    }
  };
  for (const { name } of await indexedDB.databases()) {
    const database = await whole(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      await visit(await whole(database.transaction(store).objectStore(store).getAll()));
    }
    database.close();
  }
  return { keys, out };
}

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
await context.close();
rmSync(profile, { recursive: true, force: true });
tell({ ok: { faults } });

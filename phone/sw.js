// The service worker: it rings, and it keeps the app for when there is no network. It has no key, reads no database,
// answers nothing and imports nothing: a sign-in is approved by a person in the open app alone.

/** What the app needs to open, beside this script. The decoder and the large icons are of no use without a network. */
const SHELL = [
  "account-screen.js", "add-screen.js", "another-screen.js", "api.js", "app.css", "app.js", "badge.png",
  "base64url.js", "challenge.js", "claims.js", "clock.js", "codes-screen.js", "database.js", "device-name.js",
  "dom.js", "drawing.js", "enroll-screen.js", "enrollment.js", "extras.css", "extras.js", "home-screen.js",
  "icon-192.png", "index.html", "json.js", "jwk.js", "jws.js", "keys.js", "logo.svg", "main.js",
  "manifest.webmanifest", "notice-list.js", "notices.js", "number-field.js", "phone-item.js", "phones.js",
  "platform.js", "proof.js", "push.js", "qr.js", "queue.js", "ready-screen.js", "request-facts.js",
  "request-screen.js", "requests.js", "response.js", "result-screen.js", "ring.js", "ringing.js", "scan-screen.js",
  "stage.js", "totp-screen.js", "watch.js", "way-change.js", "way-item.js", "ways-screen.js", "ways-steps.js",
  "ways.js", "words-de.js", "words-en.js", "words-extra-de.js", "words-extra-en.js", "words.js",
];

/** The media types of the files, by their ending. @type {Record<string, string>} */
const TYPES = {
  css: "text/css", html: "text/html", js: "text/javascript", png: "image/png", svg: "image/svg+xml",
  webmanifest: "application/manifest+json",
};

/** What the names of our caches begin with. Each holds one version of the app. */
const CACHE = "gatematch-shell";
/** How long the network may take before the kept copy is shown, in milliseconds. */
const PATIENCE = 4_000;
/** How long after its end a request counts as missed, in milliseconds: clocks differ. */
const GRACE = 60_000;

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/** All that a notification ever says. A locked phone shows it to everybody, so it names nobody and nothing. */
const ENGLISH = {
  request: ["Somebody is signing in", "Open Gatematch to see who, and to answer."],
  missed: ["A sign-in was missed", "Open Gatematch to look."],
  over: ["This sign-in is over", "Nothing is left to answer."],
  notice: ["News about your account", "Open Gatematch to read it."],
  unknown: ["Open Gatematch to look", "Something may wait for you."],
  renew: ["Open Gatematch once", "So that this phone keeps ringing."],
};
const GERMAN = {
  request: ["Jemand meldet sich an", "Gatematch öffnen, um zu sehen, wer es ist, und zu antworten."],
  missed: ["Eine Anmeldung wurde verpasst", "Gatematch öffnen, um nachzusehen."],
  over: ["Diese Anmeldung ist vorbei", "Es gibt nichts mehr zu beantworten."],
  notice: ["Neues zu Ihrem Konto", "Gatematch öffnen, um es zu lesen."],
  unknown: ["Gatematch öffnen, um nachzusehen", "Vielleicht wartet etwas auf Sie."],
  renew: ["Gatematch einmal öffnen", "Damit dieses Telefon weiter klingelt."],
};

/**
 * What a push is about: a text, and the name under which a later notification replaces it.
 * @typedef {{ kind: keyof typeof ENGLISH, tag: string }} News
 */

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (event) => {
  const name = shellName(event.request);
  if (name !== null) event.respondWith(serve(event, name));
});
worker.addEventListener("push", (event) => event.waitUntil(hear(event.data?.text() ?? "")));
worker.addEventListener("pushsubscriptionchange", (/** @type {unknown} */ event) => {
  /** @type {ExtendableEvent} */ (event).waitUntil(renew());
});
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openApp(event.notification.tag === "renew" ? "renew" : "look"));
});

async function install() {
  await keep();
  await worker.skipWaiting();
}

/** @param {string} name */
function addressOf(name) {
  return new URL(name, worker.registration.scope).href;
}

/**
 * The file of the app that a request is for; null for everything else, which is left to the browser.
 * @param {Request} request
 */
function shellName({ method, url }) {
  const { scope } = worker.registration;
  const [bare] = url.split(/[?#]/);
  if (method !== "GET" || !bare.startsWith(scope)) return null;
  const name = bare.slice(scope.length) || "index.html";
  return SHELL.includes(name) ? name : null;
}

/**
 * Whence a window has its files. It gets those of one version alone: the kept one, unless a file of the network's is
 * another than the kept one before any was late or lost.
 * @type {Map<string, "kept" | "network">}
 */
const sources = new Map();

/**
 * @param {FetchEvent} event
 * @param {string} name
 * @returns {Promise<Response>}
 */
async function serve(event, name) {
  const id = event.resultingClientId || event.clientId;
  const copy = await kept(name);
  if (copy && sources.get(id) === "kept") return copy;
  const network = fetch(event.request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, null));
  const quick = await Promise.race([network, late]).catch(() => null);
  const found = quick && isOurs(quick, name) ? quick : null;
  if (copy && !found && sources.get(id) !== "network") sources.set(id, "kept");
  if (copy && sources.get(id) === "kept") return copy;
  if (found && !(copy && tagOf(found) === tagOf(copy))) {
    sources.set(id, "network");
    event.waitUntil(keep());
  }
  return network;
}

/**
 * The kept copy of a file. The oldest cache counts: a later one is not complete as long as there is an older one.
 * @param {string} name
 */
async function kept(name) {
  const [cacheName] = await ourCaches();
  return cacheName === undefined ? undefined : caches.match(addressOf(name), { cacheName });
}

async function ourCaches() {
  return (await caches.keys()).filter((name) => name.startsWith(CACHE));
}

/**
 * Whether an answer is a file of the app, and nothing that something on the way gave in its place.
 * @param {Response} response
 * @param {string} name
 */
function isOurs({ ok, redirected, headers }, name) {
  const [type] = (headers.get("content-type") ?? "").split(";");
  return ok && !redirected && headers.has("etag") && type.trim() === TYPES[name.split(".")[1]];
}

/** What names the content of a file. @param {Response} response */
function tagOf({ headers }) {
  return headers.get("etag")?.replace("W/", "");
}

/** @type {Promise<void> | null} */
let keeping = null;

/** Keeps the app as it is now. Where that fails the older one stays, and the worker rings all the same. */
function keep() {
  keeping ??= keepAll().catch(() => undefined).finally(() => {
    keeping = null;
  });
  return keeping;
}

/** Fetches all files twice: where both times give the same, they are of one version. */
async function keepAll() {
  const files = await fetchAll();
  const again = await fetchAll();
  if (files.some((file, index) => tagOf(file) !== tagOf(again[index]))) return;
  const older = await ourCaches();
  const cache = await caches.open(`${CACHE}-${Math.random()}`);
  await Promise.all(files.map((file, index) => cache.put(addressOf(SHELL[index]), file)));
  // A later one counts only from here on.
  for (const name of older) await caches.delete(name);
}

function fetchAll() {
  return Promise.all(SHELL.map(async (name) => {
    const response = await fetch(new Request(addressOf(name), { cache: "no-cache", credentials: "omit" }));
    if (!isOurs(response, name)) throw new TypeError(`${name} is not what came`);
    return response;
  }));
}

/**
 * Shows what a push says, always something, and has open windows look.
 * @param {string} text `{"v":1,"challenge"|"notice":JWS}` or `{"v":1,"cancelled":id}`
 */
async function hear(text) {
  const windows = await tell("look");
  const isSeen = windows.some(({ focused, visibilityState }) => focused && visibilityState === "visible");
  await show(newsIn(text), isSeen);
}

/**
 * @param {string} text
 * @returns {News}
 */
function newsIn(text) {
  try {
    const { v, challenge, notice, cancelled } = JSON.parse(text);
    if (v !== 1) return { kind: "unknown", tag: "unknown" };
    if (typeof cancelled === "string") return { kind: "over", tag: cancelled };
    const { jti, exp } = claimsIn(challenge ?? notice);
    if (challenge === undefined) return { kind: "notice", tag: String(jti) };
    return { kind: 1000 * exp + GRACE < Date.now() ? "missed" : "request", tag: String(jti) };
  } catch {
    return { kind: "unknown", tag: "unknown" };
  }
}

/**
 * The claims of a token, unchecked: the app asks the server and believes nothing else.
 * @param {string} jws
 */
function claimsIn(jws) {
  const payload = jws.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
  const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/**
 * @param {News} news
 * @param {boolean} isSeen whether a person looks at the app now
 */
async function show({ kind, tag }, isSeen) {
  const words = worker.navigator.language.startsWith("de") ? GERMAN : ENGLISH;
  const [title, body] = words[kind];
  const silent = isSeen || kind === "over" || kind === "missed";
  await worker.registration.showNotification(title, { body, tag, silent, icon: "icon-192.png", badge: "badge.png" });
}

/** The open windows of the app, and of nothing else that the server shows. */
async function openWindows() {
  const windows = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  return windows.filter(({ url }) => url.startsWith(worker.registration.scope));
}

/** Tells the open windows what to do. @param {"look" | "renew"} type */
async function tell(type) {
  const windows = await openWindows();
  for (const client of windows) client.postMessage({ type });
  return windows;
}

/** The subscription has ended: an open app makes a new one, and a person is asked to open it. */
async function renew() {
  await tell("renew");
  await show({ kind: "renew", tag: "renew" }, false);
}

/** @param {"look" | "renew"} type */
async function openApp(type) {
  const [open] = await tell(type);
  const focused = await open?.focus().catch(() => null);
  if (!focused) await worker.clients.openWindow(worker.registration.scope);
}

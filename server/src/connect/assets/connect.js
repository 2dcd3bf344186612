// @ts-check
// The connect page: says who begins a sign-in, waits for it, asks whether it is his, and shows the number to type on
// the phone. The server decides; this page shows the state it is told and sends two answers, the name and yes or no.

/** What the server says of the session. "form" is this page's own: there is no session.
 * @typedef {"form"|"armed"|"confirm"|"number"|"approved"|"refused"|"collision"|"expired"} State
 * @typedef {string|null|undefined} Words
 * @typedef {{state: State, number?: Words, gateway?: Words, client_name?: Words, requested_at?: Words}} View */

/** Every state: the title (never the number, for it is seen on the task bar and in the history), the step to do now
 * (0: the steps are not shown), and whether the server may still say something new.
 * @type {Record<State, {title: string, step: number, live: boolean}>} */
const STATES = {
  form: { title: "Sign in", step: 0, live: false },
  armed: { title: "Waiting for your sign-in", step: 1, live: true },
  confirm: { title: "Is this you?", step: 2, live: true },
  number: { title: "Type the number on your phone", step: 3, live: true },
  approved: { title: "You are let in", step: 0, live: false },
  refused: { title: "This sign-in was refused", step: 0, live: false },
  collision: { title: "Two sign-ins at once", step: 0, live: false },
  expired: { title: "The time ran out", step: 0, live: false },
};

const SESSIONS = "/connect/sessions";
const CURRENT = `${SESSIONS}/current`;
const REMEMBERED = "gatematch.user"; // the one thing kept in this browser
const OFTEN = 2_000; // between two questions where there is no stream
const SELDOM = 15_000; // the same beside a stream, should it have died without a word
const LONGEST = 30_000; // between two tries while the server does not answer

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const panels = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-panel]"));
const field = /** @type {HTMLInputElement} */ (byId("user"));
const yes = /** @type {HTMLButtonElement} */ (byId("yes"));
let shown = ""; // the view on the page, as JSON
let heard = 0; // views that have come: an answer asked for before the last of them is stale
let watching = 0; // the watch that runs: an older one ends by itself
let answering = 0; // the same for yes and no
let arming = false; // asked for twice at once, it could be two sessions, which is a collision
/** @type {EventSource|null} */
let stream = null;
let holding = 0; // the timer of the button "yes"
let wake = () => {}; // ends the present pause
/** @param {number} time @returns {Promise<void>} */
const pause = (time) => new Promise((resolve) => { wake = resolve; setTimeout(resolve, time); });

/** The name that was typed last; kept, where one is given and the browser keeps anything. @param {string} [user] */
function remembered(user) {
  try {
    if (user !== undefined) localStorage.setItem(REMEMBERED, user);
    return localStorage.getItem(REMEMBERED) ?? "";
  } catch { return ""; }
}
const person = () => remembered() || field.value.trim();

/** The same words again are not read out again. @param {string} id @param {string} words */
const say = (id, words) => { if (byId(id).textContent !== words) byId(id).textContent = words; };

/** One question to the server. Throws where it gave no answer that says anything.
 * @param {string} path @param {object} [body] */
async function ask(path, body) {
  const headers = { "Content-Type": "application/json" };
  const content = body && { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(path, { ...content, redirect: "error", signal: AbortSignal.timeout(10_000) });
  if (response.status >= 500 || response.status === 429) {
    throw Object.assign(new Error(), { wait: 1000 * Number(response.headers.get("Retry-After")) });
  }
  return { status: response.status, view: /** @type {View} */ (response.ok ? await response.json() : {}) };
}

/** Asks until there is an answer, less and less often, or until nobody wants it any more.
 * @param {() => boolean} wanted @param {string} path @param {object} [body] */
async function insist(wanted, path, body) {
  for (let wait = 1_000; wanted(); wait *= 2) {
    try {
      const answer = await ask(path, body);
      if (!wanted()) break;
      say("trouble", "");
      return answer;
    } catch (/** @type {any} */ error) {
      if (!wanted()) break;
      const reason = navigator.onLine ? "The server does not answer." : "This PC is offline.";
      say("trouble", `${reason} This page tries again by itself.`);
      await pause(Math.min(Math.max(wait, error.wait || 0), LONGEST));
    }
  }
  return null;
}

/** @param {string} name @param {string} text */
const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });

/** Who, where, when; a browser that is not known yet is told only when. @param {View} view */
function what({ client_name: client, gateway, requested_at }) {
  const minutes = Math.floor((Date.now() - Date.parse(requested_at ?? "")) / 60_000);
  // A sign-in lives for minutes: where it seems older, a clock is wrong.
  const when = minutes >= 1 && minutes <= 15 ? (minutes === 1 ? "a minute ago" : `${minutes} minutes ago`) : "just now";
  if (!client && !gateway) return [`A sign-in began ${when}.`];
  const place = gateway ? [" at ", element("bdi", gateway)] : [];
  return [client ? element("bdi", client) : "A sign-in", ...place, `, ${when}.`];
}

/** Puts a view on the page, and the focus on it. @param {View} view @param {string} [words] what is wrong */
function show(view, words = "") {
  const { title, step } = STATES[view.state];
  const number = view.state === "number" ? view.number ?? "" : "";
  const groups = number.length === 6 ? [number.slice(0, 3), number.slice(3)] : [number];
  byId("number-shown").replaceChildren(...groups.map((group) => element("span", group)));
  say("number-spoken", [...number].join(", "));
  byId("number-what").replaceChildren(...(number && (view.client_name || view.gateway) ? ["For ", ...what(view)] : []));
  byId("confirm-what").replaceChildren(...(view.state === "confirm" ? what(view) : []));
  yes.disabled = true; // for a moment: a click that was meant for what stood here before is no yes
  clearTimeout(holding);
  holding = setTimeout(() => { yes.disabled = false; }, 600);
  byId("who").hidden = step === 0;
  say("you", person());
  document.querySelectorAll(".steps li").forEach((item, index) => {
    item.classList.toggle("done", index + 1 < step);
    item.querySelector(".spoken")?.toggleAttribute("hidden", index + 1 >= step);
    item.setAttribute("aria-current", index + 1 === step ? "step" : "false");
  });
  for (const panel of panels) panel.hidden = panel.dataset.panel !== view.state;
  document.body.dataset.state = view.state;
  document.title = `${title} - ${byId("site").textContent}`;
  say("status", view.state === "form" ? "" : title);
  say("user-fault", words);
  field.setAttribute("aria-invalid", String(words !== ""));
  const place = byId(view.state === "form" ? "user" : view.state === "armed" ? "who" : view.state);
  place.focus({ preventScroll: true });
  place.scrollIntoView({ block: place === field ? "nearest" : "start" });
}

/** Takes what the server said. @param {View} view */
function take(view) {
  if (!STATES[view.state]) return;
  heard += 1;
  const text = JSON.stringify([view.state, view.number, view.gateway, view.client_name, view.requested_at]);
  if (text !== shown) {
    shown = text;
    answering += 1;
    show(view);
  }
  if (STATES[view.state].live) return;
  leave();
  // The answer to this binds the browser to the user: the next time it is known. Without it, it is only asked again.
  if (view.state === "approved") ask(CURRENT).catch(() => {});
}

/** Ends the watch. */
function leave() {
  watching += 1;
  stream?.close();
  stream = null;
  say("trouble", "");
  wake();
}

/** Shows the form. @param {string} [words] what is wrong */
function begin(words) {
  leave();
  answering += 1;
  shown = "";
  field.value ||= remembered();
  show({ state: "form" }, words);
}

/** Hears of every change at once, where nothing on the way keeps the stream back. */
function listen() {
  const source = new EventSource(`${CURRENT}/events`);
  const lost = () => {
    source.close();
    if (stream === source) stream = null;
    wake();
  };
  const late = setTimeout(lost, 5_000); // something on the way gathers the whole answer first
  source.onerror = lost;
  source.onmessage = (event) => {
    clearTimeout(late);
    if (stream !== source) return;
    say("trouble", "");
    take(JSON.parse(event.data));
  };
  stream = source;
}

/** Follows the session to its end: by the stream, and by asking. */
async function watch() {
  const turn = ++watching;
  const wanted = () => turn === watching;
  listen();
  for (let turns = 1; wanted(); turns += 1) {
    if (!stream && turns % 15 === 0) listen(); // half a minute went by without it
    await pause(stream ? SELDOM : OFTEN);
    const before = heard;
    const answer = await insist(wanted, CURRENT);
    if (answer?.status === 401) begin("Your time on this page ran out. Continue to begin again.");
    if (answer?.status === 200 && before === heard) take(answer.view);
  }
}

/** Waits for a sign-in of this user. @param {string} user */
async function arm(user) {
  if (arming) return wake();
  arming = field.readOnly = true;
  leave();
  const answer = await insist(() => true, SESSIONS, { user });
  arming = field.readOnly = false;
  if (answer?.status !== 201) return begin("The server did not take this name. Check it, or reload this page.");
  remembered(user);
  shown = "";
  take(answer.view);
  watch();
}

/** The last press counts, also while an earlier one is still on its way. @param {boolean} mine */
async function confirm(mine) {
  const turn = ++answering;
  const before = heard;
  const answer = await insist(() => turn === answering, `${CURRENT}/confirm`, { mine });
  if (answer?.status === 200 && before === heard) take(answer.view);
  else wake(); // decided already, or no session: the watch asks what is true
}

document.querySelector("form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const user = field.value.trim();
  show({ state: "form" }, user ? "" : "Type your user name first.");
  if (user) arm(user);
});
byId("not-you").addEventListener("click", () => { field.value = remembered(""); begin(); });
yes.addEventListener("click", () => confirm(true));
byId("no").addEventListener("click", () => confirm(false));
for (const again of document.querySelectorAll(".again")) again.addEventListener("click", () => arm(person()));
for (const event of ["online", "pageshow", "focus"]) addEventListener(event, () => wake());
// Another tab began for somebody else: this one must not show his name beside another's number.
addEventListener("storage", (event) => { if (event.key === REMEMBERED) location.reload(); });

// The link must not take this page away: a file is saved, another site opens beside it.
const link = /** @type {HTMLAnchorElement|null} */ (document.getElementById("desktop"));
if (link?.origin === location.origin) link.download = "";
else if (link?.protocol.startsWith("http")) link.target = "_blank";

// After a reload the session may still be there. Without a name there is none that this page could speak of.
const present = remembered() ? await ask(CURRENT).catch(() => null) : null;
if (present && STATES[present.view.state]?.live) {
  take(present.view);
  watch();
} else begin();

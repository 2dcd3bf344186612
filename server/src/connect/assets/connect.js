// @ts-check
// The connect page: says who begins a sign-in, waits for it, asks whether it is his, and shows the number to type on
// the phone, or takes a backup code in its place. The server decides; this page shows the state it is told and sends
// three answers: the name, yes or no, and a code.

/** What the server says of the session. Three are this page's own: "form", where there is no session; "open", which is
 * armed with a code that was taken; and "code", which is a number that is none, for there is no phone to ask.
 * @typedef {"form"|"armed"|"open"|"confirm"|"number"|"code"|"approved"|"refused"|"collision"|"expired"} State
 * @typedef {string|null|undefined} Words
 * @typedef {{state: State, number?: Words, gateway?: Words, client_name?: Words, requested_at?: Words,
 *   open_until?: Words}} View */

/** Every state: the title (never the number, for it is seen on the task bar and in the history), the step to do now
 * (0: the steps are not shown), and whether the server may still say something new.
 * @type {Record<State, {title: string, step: number, live: boolean}>} */
const STATES = {
  form: { title: "Sign in", step: 0, live: false },
  armed: { title: "Waiting for your sign-in", step: 1, live: true },
  open: { title: "Start your desktop now", step: 1, live: true },
  confirm: { title: "Is this you?", step: 2, live: true },
  number: { title: "Type the number on your phone", step: 3, live: true },
  code: { title: "Type your code", step: 3, live: true },
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
const OPEN = 60_000; // for how long a code opens the page, at the most
const TRIES = 3; // codes that a session looks at while they are wrong
const OVER = "The minute is over. Type a code again: a recovery code that was used works no more.";
const CLOSED = "Codes are not taken here any more for now. Ask your helpdesk for help.";
const ELSE = "If your own desktop does not open, somebody else may have signed in as you: tell your helpdesk now.";

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const panels = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-panel]"));
const field = /** @type {HTMLInputElement} */ (byId("user"));
const code = /** @type {HTMLInputElement} */ (byId("code"));
/** What must not be pressed by a click that was meant for what stood there before. */
const held = /** @type {HTMLButtonElement[]} */ ([byId("yes"), byId("code-use")]);
let shown = ""; // the view on the page, as JSON
let heard = 0; // views that have come: an answer asked for before the last of them is stale
let watching = 0; // the watch that runs: an older one ends by itself
let answering = 0; // the same for yes and no
let arming = false; // asked for twice at once, it could be two sessions, which is a collision
/** @type {EventSource|null} */
let stream = null;
let holding = 0; // the timer of the buttons that are held
let ahead = 0; // by how much this PC's clock is before the server's, in milliseconds
let closes = 0; // when the page that a code has opened closes, by this PC's clock
let counting = 0; // the timer of the time left
let typing = false; // the field for a code is open
let sending = false; // a code is on its way
let wrong = 0; // codes of this session that were not right, as far as this page has seen
let isOld = false; // the session was there before this page: the server may have seen more
let opened = false; // a code has let in the sign-in that begins next, whoever begins it
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
  ahead = Date.now() - Date.parse(response.headers.get("Date") ?? "") || 0;
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

/** Who and where; nothing, where the browser is not known yet. @param {View} view */
function whose({ client_name: client, gateway }) {
  if (!client && !gateway) return [];
  const place = gateway ? [" at ", element("bdi", gateway)] : [];
  return [client ? element("bdi", client) : "A sign-in", ...place];
}

/** Who, where, when; a browser that is not known yet is told only when. @param {View} view */
function what(view) {
  const minutes = Math.floor((Date.now() - Date.parse(view.requested_at ?? "")) / 60_000);
  // A sign-in lives for minutes: where it seems older, a clock is wrong.
  const when = minutes >= 1 && minutes <= 15 ? (minutes === 1 ? "a minute ago" : `${minutes} minutes ago`) : "just now";
  const login = whose(view);
  return login.length > 0 ? [...login, `, ${when}.`] : [`A sign-in began ${when}.`];
}

/** What the page shows of a view. @param {View} view @returns {State} */
function stateOf({ state, number, open_until }) {
  if (state === "armed" && open_until) return "open";
  return state === "number" && !number ? "code" : state;
}

/** Puts a view on the page, and the focus on it. @param {View} view @param {string} [words] what is wrong */
function show(view, words = "") {
  const state = stateOf(view);
  const { title, step } = STATES[state];
  const isOver = state === "armed" && document.body.dataset.state === "open";
  opened = state === "open" || (opened && !["armed", "form"].includes(state));
  const number = state === "number" ? view.number ?? "" : "";
  const groups = number.length === 6 ? [number.slice(0, 3), number.slice(3)] : [number];
  byId("number-shown").replaceChildren(...groups.map((group) => element("span", group)));
  say("number-spoken", [...number].join(", "));
  const login = view.client_name || view.gateway ? ["For ", ...what(view)] : [];
  byId("number-what").replaceChildren(...(state === "number" ? login : []));
  byId("code-what").replaceChildren(...(state === "code" ? login : []));
  byId("approved-what").replaceChildren(...(state === "approved" && opened ? whose(view) : []));
  say("approved-else", state === "approved" && opened ? ELSE : "");
  byId("confirm-what").replaceChildren(...(state === "confirm" ? what(view) : []));
  for (const button of held) button.disabled = true;
  clearTimeout(holding);
  holding = setTimeout(() => { for (const button of held) button.disabled = false; }, 600);
  byId("who").hidden = step === 0;
  say("you", person());
  document.querySelectorAll(".steps li").forEach((item, index) => {
    item.classList.toggle("done", index + 1 < step);
    item.querySelector(".spoken")?.toggleAttribute("hidden", index + 1 >= step);
    item.setAttribute("aria-current", index + 1 === step ? "step" : "false");
  });
  for (const panel of panels) panel.hidden = panel.dataset.panel !== state;
  document.body.dataset.state = state;
  document.title = `${title} - ${byId("site").textContent}`;
  say("status", state === "form" ? "" : title);
  closes = Date.now() + Math.min(Date.parse(view.open_until ?? "") + ahead - Date.now(), OPEN);
  count();
  if (!STATES[state].live) code.value = "";
  typing ||= isOver || state === "code";
  entry(isOver ? OVER : "");
  say("user-fault", words);
  field.setAttribute("aria-invalid", String(words !== ""));
  const places = { form: "user", armed: isOver ? "code" : "who", code: "code" };
  reach(byId(/** @type {Record<string, string>} */ (places)[state] ?? state));
}

/** Puts the focus there; where there is no field for a code any more, on what says so. @param {HTMLElement} wanted */
function reach(wanted) {
  const place = wanted === code && wrong >= TRIES ? byId("entry") : wanted;
  place.focus({ preventScroll: true });
  place.scrollIntoView({ block: place === field || place === code ? "nearest" : "start" });
}

/** Shows the time left, in steps that hurry nobody. When it is over, the server says so. */
function count() {
  clearTimeout(counting);
  if (document.body.dataset.state !== "open") return;
  const tens = Math.ceil((closes - Date.now()) / 10_000);
  const time = tens > 5 ? "About a minute" : tens > 1 ? `About ${tens}0 seconds` : "A few seconds";
  say("open-left", `${time} left.`);
  if (tens <= 0) wake();
  counting = setTimeout(count, 1_000);
}

/** Shows what takes a code, where one is taken.
 * @param {string} [words] what came of the last one @param {boolean} [isWrong] whether what was typed is at fault */
function entry(words = "", isWrong = false) {
  const state = document.body.dataset.state ?? "";
  byId("entry").hidden = !["armed", "number", "code"].includes(state);
  const isClosed = wrong >= TRIES;
  byId("code-title").hidden = state !== "code" || isClosed;
  const name = state === "code" && !isClosed ? "code-title" : typing || isClosed ? "code-label" : "code-offered";
  byId("entry").setAttribute("aria-labelledby", name);
  byId("code-offer").hidden = typing || isClosed;
  byId("code-form").hidden = !typing || isClosed;
  say("code-fault", isClosed ? "" : words);
  say("code-closed", isClosed ? CLOSED : "");
  // Where the page cannot know how many there were, there may be no right code any more already after one.
  byId("code-again").hidden = !(isClosed || (isOld && wrong > 0));
  code.setAttribute("aria-invalid", String(isWrong));
}

/** Takes what the server said. @param {View} view */
function take(view) {
  if (!STATES[view.state]) return;
  heard += 1;
  const text = JSON.stringify([view.state, view.number, view.gateway, view.client_name, view.requested_at,
    view.open_until]);
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
  typing = isOld = false;
  wrong = 0;
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

/** What to say where the server did not look at a code.
 * @param {number|undefined} wait for how many milliseconds, where it said anything */
function unheard(wait) {
  if (wait === undefined) return "No answer came. If nothing changes here, type your code again.";
  const minutes = Math.ceil(wait / 60_000);
  const time = wait <= 10_000 ? "a moment" : minutes === 1 ? "a minute" : `${minutes} minutes`;
  return `Codes are not taken at the moment. Wait ${time}, then type your code again.`;
}

/** Sends the code that was typed, once: a second time it would be another try. It stays nowhere. */
async function spend() {
  if (sending) return;
  const passcode = code.value.trim();
  code.value = "";
  entry(passcode ? "" : "Type your code first.", !passcode);
  reach(code);
  if (!passcode) return;
  const turn = watching;
  const before = heard;
  sending = code.readOnly = true;
  const answer = await ask(`${CURRENT}/passcode`, { passcode }).catch((error) => ({ wait: error.wait }));
  sending = code.readOnly = false;
  if (turn !== watching) return; // of a session that is gone
  if ("wait" in answer) return entry(unheard(answer.wait));
  if (answer.status === 200 && before === heard) return take(answer.view);
  // Shown already, not the time for a code, or no session: the watch asks what is true.
  if ([200, 401, 409].includes(answer.status)) return wake();
  wrong += 1;
  // The server answers alike whatever it was. So does this page.
  entry("That code was not right, or codes are not taken now. Look at it again.", true);
  reach(code);
}

byId("code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  spend();
});
byId("code-open").addEventListener("click", () => {
  typing = true;
  entry();
  reach(code);
});
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const user = field.value.trim();
  show({ state: "form" }, user ? "" : "Type your user name first.");
  if (user) arm(user);
});
byId("not-you").addEventListener("click", () => { field.value = remembered(""); begin(); });
byId("yes").addEventListener("click", () => confirm(true));
byId("no").addEventListener("click", () => confirm(false));
for (const again of document.querySelectorAll(".again")) again.addEventListener("click", () => arm(person()));
// Whoever leaves the page leaves no code behind for the next who comes back to it.
const forget = () => { code.value = ""; };
addEventListener("pagehide", forget);
addEventListener("pageshow", (event) => { if (event.persisted) forget(); });
for (const event of ["online", "pageshow", "focus"]) addEventListener(event, () => wake());
// Another tab began for somebody else: this one must not show his name beside another's number.
addEventListener("storage", (event) => { if (event.key === REMEMBERED) location.reload(); });

// The link must not take this page away: a file is saved, another site opens beside it.
for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".desktop"))) {
  if (link.origin === location.origin) link.download = "";
  else if (link.protocol.startsWith("http")) link.target = "_blank";
}

// After a reload the session may still be there. Without a name there is none that this page could speak of.
const present = remembered() ? await ask(CURRENT).catch(() => null) : null;
if (present && STATES[present.view.state]?.live) {
  isOld = true;
  take(present.view);
  watch();
} else begin();

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

/** What this page says, in the language of the page; a `{}` is a gap. @type {Record<string, string>} */
const WORDS = JSON.parse(document.body.dataset.words ?? "{}");

/** Every state: the title (never the number, for it is seen on the task bar and in the history), the step to do now
 * (0: the steps are not shown), and whether the server may still say something new.
 * @type {Record<State, {title: string, step: number, live: boolean}>} */
const STATES = {
  form: { title: WORDS.sign_in, step: 0, live: false },
  armed: { title: WORDS.armed_title, step: 1, live: true },
  open: { title: WORDS.open_now, step: 1, live: true },
  confirm: { title: WORDS.confirm_title, step: 2, live: true },
  number: { title: WORDS.number_now, step: 3, live: true },
  code: { title: WORDS.code_title, step: 3, live: true },
  approved: { title: WORDS.approved_title, step: 0, live: false },
  refused: { title: WORDS.refused_title, step: 0, live: false },
  collision: { title: WORDS.collision_title, step: 0, live: false },
  expired: { title: WORDS.expired_title, step: 0, live: false },
};

const SESSIONS = "/connect/sessions";
const CURRENT = `${SESSIONS}/current`;
const REMEMBERED = "gatematch.user"; // the one thing kept in this browser
const OFTEN = 2_000; // between two questions where there is no stream
const SELDOM = 15_000; // the same beside a stream, should it have died without a word
const LONGEST = 30_000; // between two tries while the server does not answer
const OPEN = 60_000; // for how long a code opens the page, at the most
const TRIES = 3; // codes that a session looks at while they are wrong

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

/** The name that was typed last; kept, where one is given and the browser keeps anything; "" forgets it.
 * @param {string} [user] */
function remembered(user) {
  try {
    if (user) localStorage.setItem(REMEMBERED, user);
    else if (user === "") localStorage.removeItem(REMEMBERED);
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
      say("trouble", navigator.onLine ? WORDS.server_silent : WORDS.offline);
      await pause(Math.min(Math.max(wait, error.wait || 0), LONGEST));
    }
  }
  return null;
}

/** @param {string} name @param {string} text */
const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });

/** The words, their gaps filled in order. @template T @param {string} words @param {...T} parts */
const filled = (words, ...parts) => words.split("{}").flatMap((piece, index) =>
  index === 0 ? [piece] : [parts[index - 1], piece]);
/** The same as text. @param {string} words @param {...(string|number)} parts */
const text = (words, ...parts) => filled(words, ...parts).join("");

/** Who and where; nothing, where the browser is not known yet.
 * @param {View} view @param {string} [someone] what to say where only the gateway is known */
function whose({ client_name: client, gateway }, someone = WORDS.someone_at_gateway) {
  const names = [client, gateway].flatMap((name) => (name ? [element("bdi", name)] : []));
  if (names.length === 2) return filled(WORDS.client_at_gateway, ...names);
  return gateway ? filled(someone, ...names) : names;
}

/** When it began. @param {View} view */
function when({ requested_at: at }) {
  const minutes = Math.floor((Date.now() - Date.parse(at ?? "")) / 60_000);
  // A sign-in lives for minutes: where it seems older, a clock is wrong.
  if (!(minutes >= 1 && minutes <= 15)) return WORDS.just_now;
  return minutes === 1 ? WORDS.minute_ago : text(WORDS.minutes_ago, minutes);
}

/** Who, where, when; a browser that is not known yet is told only when. @param {View} view */
function what(view) {
  const login = whose(view);
  return login.length > 0 ? [...login, `, ${when(view)}.`] : [text(WORDS.began, when(view))];
}

/** For whom, where and when; nothing, where the browser is not known yet. @param {View} view */
function forWhom(view) {
  const login = whose(view, WORDS.for_someone_at_gateway);
  const [before, after = ""] = WORDS.for_login.split("{}");
  return login.length > 0 ? [before, ...login, after, `, ${when(view)}.`] : [];
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
  byId("number-what").replaceChildren(...(state === "number" ? forWhom(view) : []));
  byId("code-what").replaceChildren(...(state === "code" ? forWhom(view) : []));
  byId("approved-what").replaceChildren(...(state === "approved" && opened ? whose(view) : []));
  say("approved-else", state === "approved" && opened ? WORDS.approved_else : "");
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
  entry(isOver ? WORDS.open_over : "");
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
  const left = tens > 1 ? text(WORDS.left_seconds, 10 * tens) : WORDS.left_little;
  say("open-left", tens > 5 ? WORDS.left_minute : left);
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
  say("code-closed", isClosed ? WORDS.code_closed : "");
  // Where the page cannot know how many there were, there may be no right code any more already after one.
  byId("code-again").hidden = !(isClosed || (isOld && wrong > 0));
  code.setAttribute("aria-invalid", String(isWrong));
}

/** Takes what the server said. @param {View} view */
function take(view) {
  if (!STATES[view.state]) return;
  heard += 1;
  const told = JSON.stringify([view.state, view.number, view.gateway, view.client_name, view.requested_at,
    view.open_until]);
  if (told !== shown) {
    shown = told;
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

/** Shows the form, with the name that is remembered. @param {string} [words] what is wrong */
function begin(words) {
  leave();
  answering += 1;
  shown = "";
  field.value ||= remembered();
  const isKnown = remembered() !== "" && field.value === remembered();
  byId("form").classList.toggle("known", isKnown);
  byId("forget").hidden = !isKnown;
  byId("user-hint").hidden = isKnown;
  say("form-text", isKnown ? WORDS.form_text_known : WORDS.form_text);
  say("user-label", isKnown ? WORDS.you_are : WORDS.user_label);
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
    if (answer?.status === 401) begin(WORDS.time_over);
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
  if (answer?.status !== 201) return begin(WORDS.user_refused);
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
  if (wait === undefined) return WORDS.code_unanswered;
  const minutes = Math.ceil(wait / 60_000);
  const time = minutes === 1 ? WORDS.wait_minute : text(WORDS.wait_minutes, minutes);
  return text(WORDS.code_later, wait <= 10_000 ? WORDS.wait_moment : time);
}

/** Sends the code that was typed, once: a second time it would be another try. It stays nowhere. */
async function spend() {
  if (sending) return;
  const passcode = code.value.trim();
  code.value = "";
  entry(passcode ? "" : WORDS.code_missing, !passcode);
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
  entry(WORDS.code_wrong, true);
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
  show({ state: "form" }, user ? "" : WORDS.user_missing);
  if (user) arm(user);
});
for (const id of ["not-you", "forget"]) {
  byId(id).addEventListener("click", () => { field.value = remembered(""); begin(); });
}
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

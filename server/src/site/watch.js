// The overview: marks of the charts in the viewer's words, and the feed of sign-ins as they come.

import { localize, tongue } from "./site.js";

const hour = new Intl.DateTimeFormat(tongue, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
// Days are counted by UTC.
const day = new Intl.DateTimeFormat(tongue, { day: "numeric", month: "short", timeZone: "UTC" });

for (const [name, format] of [["hours", hour], ["days", day]]) {
  for (const mark of document.querySelectorAll(`svg [data-${name}]`)) {
    const at = new Date(mark.dataset[name]);
    if (!Number.isNaN(at.getTime())) mark.textContent = format.format(at);
  }
}

/** How many sign-ins are shown. */
const MOST = 20;
/** How often the feed is asked for without being told, in milliseconds. */
const EVERY = 30_000;

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function link(href, inner) {
  // Only to pages of ours, whatever stands there.
  const made = element("a", undefined, { href: href.startsWith("/console/") ? href : "/console" });
  made.append(inner);
  return made;
}

function row(line) {
  const made = element("tr", undefined, { "data-seq": line.seq, class: "new" });
  const time = element("time", line.at.shown, { datetime: line.at.machine });
  const cells = [
    link(`/console/audit/${line.seq}`, time),
    element("span", line.what, { class: `state ${line.class}` }),
    line.person ? link(line.person.href, element("bdi", line.person.name)) : "",
    element("bdi", line.gateway),
    element("bdi", line.from),
  ];
  for (const cell of cells) {
    const td = element("td");
    if (cell === cells[0]) td.className = "when";
    td.append(cell);
    made.append(td);
  }
  return made;
}

function follow(feed) {
  const lines = feed.querySelector("[data-lines]");
  const state = feed.querySelector("[data-state]");
  let source;
  let isOver = false;

  function say(how, text) {
    state.className = `state ${how}`;
    if (state.textContent !== text) state.textContent = text;
  }

  function show(news) {
    for (const line of [...news].reverse()) {
      if (!lines.querySelector(`[data-seq="${Number(line.seq)}"]`)) lines.prepend(row(line));
    }
    const sorted = [...lines.children].sort((one, other) => other.dataset.seq - one.dataset.seq);
    sorted.slice(MOST).forEach((old) => old.remove());
    feed.querySelector("[data-none]").hidden = lines.childElementCount > 0;
    localize(lines);
  }

  function end() {
    isOver = true;
    source?.close();
    say("warn", feed.dataset.over);
  }

  async function ask() {
    if (isOver || document.hidden) return;
    try {
      const answer = await fetch("/console/feed", { headers: { accept: "application/json" } });
      if (answer.status === 401 || answer.status === 403) return end();
      if (answer.ok) show(await answer.json());
    } catch {
      // Nobody answers now; it is asked again.
    }
    if (!isOver && source?.readyState === EventSource.CLOSED) listen();
  }

  function listen() {
    source?.close();
    source = new EventSource("/console/events");
    source.addEventListener("open", () => say("good", feed.dataset.live));
    source.addEventListener("message", (event) => show(JSON.parse(event.data)));
    source.addEventListener("over", end);
    source.addEventListener("error", () => {
      if (!isOver) say("idle", feed.dataset.still);
    });
  }

  listen();
  setInterval(ask, EVERY);
  document.addEventListener("visibilitychange", ask);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted && !isOver) listen();
  });
}

const feed = document.querySelector("[data-feed]");
if (feed) follow(feed);

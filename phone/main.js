// Puts the screens together, looks for requests, and listens to what rings.

import { addScreen, welcomeScreen } from "./add-screen.js";
import { activeAccounts, allAccounts, follow, reload, setRoutes, takeLink } from "./app.js";
import { persist } from "./database.js";
import { button, h, mark } from "./dom.js";
import { markRemoved } from "./enrollment.js";
import { heedHome, homeScreen, renew, renewInTime } from "./home-screen.js";
import { obey } from "./push.js";
import { take } from "./queue.js";
import { heedRequest, requestScreen } from "./request-screen.js";
import { resultScreen } from "./result-screen.js";
import { onStage, sayOffline, show } from "./stage.js";
import { wake, watch } from "./watch.js";
import { language, t } from "./words.js";

/** Between two questions how the server sees the accounts, as long as the app is seen, in milliseconds. */
const OFTEN = 300_000;

/** Where the app begins: it depends on what this phone has. */
function startScreen() {
  const waiting = allAccounts().find(({ status, removed }) => status === "unconfirmed" && !removed);
  if (allAccounts().length === 0) welcomeScreen();
  else if (waiting && activeAccounts().length === 0) unconfirmedScreen(waiting);
  else homeScreen();
}

/** Where nothing can be kept. */
function storageScreen() {
  show({
    name: "storage",
    title: [t("storage.title")],
    body: [h("div", { class: "result" }, mark("warn"), h("p", {}, t("storage.text")))],
  });
}

/** Where a part of the app that the server gives now does not fit to the rest, which is older. */
function staleScreen() {
  show({
    name: "stale",
    title: [t("stale.title")],
    body: [h("p", {}, t("stale.text"))],
    actions: [button("reload", "primary", t("stale.reload"), () => location.reload())],
  });
}

/** How many screens were asked for: one that comes too late is not shown any more. */
let turn = 0;

/** What all of these screens need beside what is there from the beginning. */
const prepare = async () => (await import("./extras.js")).prepare();

/**
 * A screen that few need at once, and that is fetched when it is first wanted.
 * @template {(given?: any) => void} Screen
 * @param {() => Promise<Screen>} fetched
 * @param {boolean} [anywhere] whether it is shown in place of any screen that came meanwhile
 * @returns {(given?: any) => Promise<void>}
 */
function later(fetched, anywhere = false) {
  return async (given) => {
    const before = onStage();
    const mine = ++turn;
    const screen = await Promise.all([fetched(), prepare()]).then(([found]) => found ?? staleScreen,
      (fault) => (fault instanceof SyntaxError ? staleScreen : null));
    if (mine !== turn || (onStage() !== before && !anywhere)) return;
    if (screen) screen(given);
    else sayOffline(true);
  };
}

/** What adds a phone. */
const adding = () => import("./enroll-screen.js");

const unconfirmedScreen = later(async () => (await import("./ready-screen.js")).unconfirmedScreen);

setRoutes({
  home: startScreen,
  account: later(async () => (await import("./account-screen.js")).accountScreen),
  ways: later(async () => (await import("./ways-screen.js")).waysScreen),
  add: addScreen,
  paste: later(async () => {
    const { pasteScreen } = await adding();
    return () => pasteScreen();
  }),
  scan: later(async () => (await import("./scan-screen.js")).scanScreen),
  enroll: later(async () => (await adding()).enrollScreen),
  install: later(async () => (await adding()).installScreen),
  ready: later(async () => (await import("./ready-screen.js")).readyScreen),
  unconfirmed: unconfirmedScreen,
  request: requestScreen,
  gone: (account) => resultScreen({ kind: "gone" }, account),
  link: later(async () => (await adding()).linkScreen, true),
});

/** @param {import("./types").Look} look */
function heed(look) {
  for (const account of look.gone) markRemoved(account).catch(() => undefined);
  take(look);
  heedHome();
  heedRequest();
}

async function start() {
  document.documentElement.lang = language;
  addEventListener("popstate", follow);
  try {
    await reload();
  } catch {
    takeLink();
    return storageScreen();
  }
  follow();
  obey({ look: wake, renew });
  document.addEventListener("visibilitychange", renewInTime);
  addEventListener("pageshow", renewInTime);
  setInterval(renewInTime, OFTEN);
  watch(activeAccounts, heed);
  if (allAccounts().length > 0) persist();
  await renew();
}

start();

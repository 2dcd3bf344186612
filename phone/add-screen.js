// The ways to bring in a code: welcome, and another account.

import { allAccounts, go, goBack } from "./app.js";
import { button, h } from "./dom.js";
import { isIphoneInBrowser } from "./platform.js";
import { show } from "./stage.js";
import { t } from "./words.js";

const ways = () => [
  button("paste", "second", t("add.paste"), () => go("paste")),
  button("scan", "primary", t("add.scan"), () => go("scan")),
];

/** What this is, to somebody without an account here. */
export function welcomeScreen() {
  if (isIphoneInBrowser()) return go("install");
  show({
    name: "welcome",
    title: [t("welcome.title")],
    body: [h("p", {}, t("welcome.text")), h("p", { class: "quiet" }, t("welcome.how"))],
    actions: ways(),
  });
}

/** Another account beside those that are there. */
export function addScreen() {
  if (allAccounts().length === 0) return goBack("home");
  show({
    name: "add",
    title: [t("add.title")],
    body: [h("p", {}, t("add.text"))],
    actions: [...ways(), button("back", "plain", t("back"), () => goBack("home"))],
  });
}

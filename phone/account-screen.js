// An account on this phone: whose it is, the person's phones, what happened, and how to remove it.

import { addressOf, allAccounts, go, goBack, reload } from "./app.js";
import { busy, button, h, say } from "./dom.js";
import { leave } from "./enrollment.js";
import { noticeItems } from "./notice-list.js";
import { phoneItem } from "./phone-item.js";
import { phones } from "./phones.js";
import { turnOff } from "./push.js";
import { setState, show } from "./stage.js";
import { t } from "./words.js";

/** @typedef {import("./types").Account} Account */

/** Shows an account. @param {string} deviceId */
export function accountScreen(deviceId) {
  const account = allAccounts().find((one) => one.deviceId === deviceId);
  if (!account) return goBack("home");
  const isActive = account.status === "active" && !account.removed;
  const list = h("ul", { id: "phones", class: "list", role: "list" });
  const noticeList = h("ul", { id: "notices", class: "list", role: "list" });
  show({
    name: "account",
    state: account.removed ? "removed" : "ready",
    title: [h("bdi", {}, account.user)],
    body: [
      h("p", { class: "quiet" }, h("bdi", {}, account.company), ", ", h("bdi", {}, account.deviceName)),
      account.removed ? h("p", { id: "removed", class: "warning" }, t("home.removed"), " ",
        say("result.gone.text", { user: account.user })) : null,
      isActive || account.removed ? null
        : h("p", {}, button("digits", "second", t("home.unconfirmed"), () => go("unconfirmed", account))),
      isActive ? part("account.phones", list) : null,
      isActive ? h("a", { id: "ways", class: "card", href: addressOf("ways", deviceId) },
        h("strong", {}, t("ways.title")), h("span", { class: "quiet" }, t("ways.what"))) : null,
      isActive ? part("account.notices", noticeList) : null,
      h("section", { class: "part" }, h("a", { id: "add", class: "second", href: addressOf("add") }, t("account.add")),
        isActive && account.pushEndpoint ? silencer(account) : null, removal(account)),
    ],
    actions: [button("back", "second", t("back"), () => goBack("home"))],
  });
  if (isActive) fill(account, list, noticeList);
}

/** @param {string} title @param {HTMLElement} list */
const part = (title, list) => h("section", { class: "part", "aria-label": t(title) }, h("h2", {}, t(title)), list);

/** @param {Account} account @param {HTMLElement} list @param {HTMLElement} noticeList */
async function fill(account, list, noticeList) {
  const listing = phones(account).then(
    (found) => found.map((phone) => phoneItem(account, phone, () => fill(account, list, noticeList))),
    () => [h("li", { class: "quiet" }, t("account.phones-offline"))],
  );
  const [items, happened] = await Promise.all([listing, noticeItems([account], false)]);
  list.replaceChildren(...items);
  noticeList.replaceChildren(...(happened.length ? happened : [h("li", { class: "quiet" }, t("account.no-notices"))]));
  if (!document.getElementById("remove-yes")) setState("listed");
}

/** The button that ends the ringing, of all accounts on this phone. @param {Account} account */
function silencer({ deviceId }) {
  const off = button("turn-off", "plain", t("push.turn-off"), () => busy(off, t("push.turning-on"), async () => {
    await turnOff(allAccounts()).catch(() => null);
    await reload();
    accountScreen(deviceId);
  }));
  return off;
}

/** The way to remove this phone, which asks once. @param {Account} account */
function removal(account) {
  const node = h("div", { class: "removal" });
  const ask = button("remove", "plain danger", t("account.remove"), () => {
    node.replaceChildren(what, fault, h("div", { class: "pair" }, no, yes));
    setState("removing");
    what.focus();
    what.scrollIntoView({ block: "center" });
  });
  const what = h("p", { id: "remove-what", tabindex: "-1" }, say("account.remove-what", { user: account.user }));
  const fault = h("p", { class: "fault", role: "alert" });
  const no = button("remove-no", "second", t("account.remove-no"), () => {
    node.replaceChildren(ask);
    setState(account.removed ? "removed" : "listed");
    ask.focus();
  });
  const yes = button("remove-yes", "deny", t("account.remove-yes"), () => busy(yes, t("push.turning-on"), async () => {
    fault.textContent = "";
    try {
      await leave(account);
      await reload();
      goBack("home");
    } catch {
      fault.textContent = t("account.failed");
    }
  }));
  node.append(ask);
  return node;
}

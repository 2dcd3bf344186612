// Changing what is there already: letting in a new phone, another name, and removing. Each asks for one thing.

import { goBack, reload } from "./app.js";
import { busy, button, field, h, say } from "./dom.js";
import { MOST_CHARACTERS, nameFault } from "./device-name.js";
import { confirmation } from "./phone-item.js";
import { show, stands } from "./stage.js";
import { nameOf, works } from "./way-item.js";
import { back, faultWords, overview } from "./ways-steps.js";
import { remove, rename } from "./ways.js";
import { t } from "./words.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").Way} Way */

/** Asks for the digits of a new phone. @param {Account} account @param {Way} way */
export function compareScreen(account, way) {
  const form = confirmation(account, { id: way.id, name: nameOf(way) }, () => stands(screen) && overview(account));
  const screen = { name: "compare", title: [t("compare.title")], body: [form], actions: [back(account)] };
  show(screen);
}

/** Asks for another name. @param {Account} account @param {Way} way */
export function renameScreen(account, way) {
  const name = field("device-name", { label: t("enroll.name"), hint: t("enroll.name-hint") },
    { maxlength: MOST_CHARACTERS, autocomplete: "off", spellcheck: "false", enterkeyhint: "done" });
  name.input.value = nameOf(way);
  const save = button("save", "primary", t("rename.save"), () => {
    const wanted = name.input.value.trim();
    const wrong = nameFault(wanted);
    name.complain(wrong);
    if (!wrong) busy(save, t("push.turning-on"), () => store(wanted));
  });
  /** @param {string} wanted */
  const store = async (wanted) => {
    try {
      await rename(account, way.id, wanted);
      await reload();
      if (stands(screen)) overview(account);
    } catch (fault) {
      if (stands(screen)) name.complain(faultWords(fault));
    }
  };
  name.input.addEventListener("keydown", (event) => { if (event.key === "Enter") save.click(); });
  const screen = { name: "rename", title: [t("rename.title")], body: [name.node], actions: [save, back(account)] };
  show(screen);
}

/** Says what will happen, and asks once more. @param {Account} account @param {Way} way @param {Way[]} all */
export function removeScreen(account, way, all) {
  const isThis = way.id === account.deviceId;
  const name = nameOf(way);
  const isLast = works(way) && !all.some((other) => other.id !== way.id && works(other));
  const what = isThis ? say("account.remove-what", { user: account.user })
    : say(`remove.${way.kind}.text`, { name, user: account.user });
  const fault = h("p", { class: "fault", role: "alert" });
  const no = button("remove-no", "second", t("account.remove-no"), () => overview(account));
  const yes = button("remove-yes", "deny", t("account.remove-yes"), () => busy(yes, t("push.turning-on"), async () => {
    fault.textContent = "";
    try {
      await remove(account, way);
      await reload();
      if (stands(screen)) isThis ? goBack("home") : overview(account);
    } catch (cause) {
      fault.textContent = faultWords(cause);
    }
  }));
  const screen = {
    name: "remove",
    title: isThis ? [t("account.remove")] : say(`remove.${way.kind}.title`, { name }),
    body: [h("p", { id: "remove-what" }, what),
      isLast ? h("p", { id: "last", class: "warning" }, t("remove.last")) : null, fault],
    actions: [h("div", { class: "pair" }, no, yes)],
  };
  show(screen);
}

// What became of a request, and what happens next.

import { go, reload } from "./app.js";
import { button, h, mark, say } from "./dom.js";
import { attend, release } from "./queue.js";
import { show } from "./stage.js";
import { t } from "./words.js";

/** @typedef {import("./types").Account} Account */
/** @typedef {import("./types").Outcome} Outcome */

/** The shape and the colour of each end. @type {Record<Outcome["kind"], [import("./dom.js").Shape, string]>} */
const LOOKS = {
  approved: ["approve", "approve"],
  denied: ["deny", "deny"],
  reported: ["deny", "deny"],
  "wrong-number": ["over", "deny"],
  over: ["over", "idle"],
  expired: ["time", "idle"],
  refused: ["warn", "warn"],
  offline: ["offline", "warn"],
  gone: ["over", "warn"],
};

/** Ends that somebody else brought about and that the words can tell apart. */
const ENDS = ["approved", "denied", "cancelled"];

/** The key of the words. @param {Outcome} outcome */
function wordsOf(outcome) {
  if (outcome.kind !== "over") return `result.${outcome.kind}`;
  if (outcome.mine) return "result.over-mine";
  return ENDS.includes(outcome.state) ? `result.over-${outcome.state}` : "result.over";
}

/**
 * Shows an end.
 * @param {Outcome} outcome
 * @param {Account} account
 * @param {() => void} [again] sends the same answer once more
 */
export function resultScreen(outcome, account, again) {
  const key = wordsOf(outcome);
  const code = outcome.kind === "refused" && h("p", { class: "code" }, t("code", { code: outcome.code }));
  const done = button("done", again ? "second" : "primary", t("done"), async () => {
    await reload().catch(() => undefined);
    go("home");
  });
  show({
    name: "result",
    state: outcome.kind,
    title: [t(`${key}.title`)],
    body: [h("div", { class: "result" }, mark(...LOOKS[outcome.kind]),
      h("p", {}, say(`${key}.text`, { user: account.user })), code || null)],
    actions: [again && button("again", "primary", t("again"), again), done],
    leave: release,
  });
  attend();
}

// A request: who, where, when; the number; and three answers.

import { reload, serverNow } from "./app.js";
import { busy, button, enable, h, hold as holdIn } from "./dom.js";
import { markRemoved } from "./enrollment.js";
import { numberField } from "./number-field.js";
import { drop, hold, others, release, settle, waits } from "./queue.js";
import { facts, where, who } from "./request-facts.js";
import { answer, look } from "./requests.js";
import { resultScreen } from "./result-screen.js";
import { timeRing } from "./ring.js";
import { announce, setState, show, stands } from "./stage.js";
import { t } from "./words.js";

/** @typedef {import("./types").Decision} Decision */
/** @typedef {import("./types").Outcome} Outcome */
/** @typedef {import("./types").SignInRequest} SignInRequest */

/** @type {RequestScreen|null} */
let last = null;

/** Shows a request. @param {SignInRequest} request */
export function requestScreen(request) {
  last = new RequestScreen(request);
  last.show();
}

/** Tells the request that is shown that this phone has looked. */
export const heedRequest = () => last?.heed();

class RequestScreen {
  #deny = button("deny", "deny", t("request.deny"), () => this.#send("deny", this.#deny));
  #approve = button("approve", "approve", t("request.approve"), () => this.#pressApprove(), () => this.#pressDead());
  #pair = h("div", { class: "pair" }, this.#deny);
  #report = button("report", "plain", t("request.report"), () => this.#askReport());
  #below = h("div", { class: "below" }, this.#report);
  #others = h("p", { id: "others", class: "quiet", role: "status" });
  #isSure = false; // approve was pressed once, where there is no number
  #isSending = false;
  #isAsking = false; // the server, whether it is over
  #timer = 0;
  #since = performance.now();

  /** @param {SignInRequest} request */
  constructor(request) {
    this.request = request;
    this.number = request.digits === null || request.uvRequired ? null : this.#field(request.digits);
    this.ring = timeRing(request.expiresAt - request.askedAt);
    const warning = t(request.uvRequired ? "request.uv" : "request.no-number");
    this.warning = h("p", { id: "warning", class: "warning" }, warning);
    if (!request.uvRequired) this.#pair.append(this.#approve);
    /** @type {import("./stage.js").Screen} */
    this.screen = {
      name: "request",
      state: "asking",
      corner: this.ring.node,
      title: who(request),
      body: [facts(request), this.number?.node ?? this.warning],
      actions: [this.#others, this.#pair, this.#below],
      focus: this.number?.input,
      leave: () => {
        clearInterval(this.#timer);
        release();
      },
    };
  }

  show() {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), 1_000);
    show(this.screen);
    hold(this.request.id);
    this.#paint();
    this.heed();
    this.#tick();
  }

  /** Counts what waits beside this request, and looks whether this one still does. */
  async heed() {
    if (this.#isSettled()) return;
    const { id } = this.request;
    const n = others(id);
    const words = n ? t("request.others", { n }) : "";
    if (this.#others.textContent !== words) this.#others.textContent = words;
    // Where several accounts were asked, the failure of one looks the same: this one is asked by itself.
    if (!waits(id) && this.#isInTime()) this.#ask({ kind: "over", state: "" });
  }

  /**
   * Ends it where this account's server lists it no more, or does not answer past its end. That end alone says little:
   * this phone's own clock may be wrong.
   * @param {Outcome} outcome
   */
  async #ask(outcome) {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const found = await look([this.request.account], 0).catch(() => null);
    this.#isAsking = false;
    const isOver = this.#isOver();
    if (this.#isSettled() || (!isOver && found?.requests.some(({ id }) => id === this.request.id))) return;
    if (found?.gone.length) this.#end({ kind: "gone" });
    else if (isOver || !this.#isInTime()) this.#end({ kind: "expired" });
    else if (found && !found.offline) this.#end(outcome);
  }

  /** Whether it has stood here for as long as it lives, which no setting of a clock can change. */
  #isOver() {
    return performance.now() - this.#since >= this.request.expiresAt - this.request.askedAt;
  }

  #isInTime() {
    return this.request.expiresAt > serverNow(this.request.account);
  }

  #isSettled() {
    return this.#isSending || !stands(this.screen);
  }

  /** @param {number} digits */
  #field(digits) {
    return numberField({
      id: "number",
      label: t("request.number"),
      hint: t("request.number-hint", { n: digits }),
      digits,
      changed: () => this.#paint(),
      entered: () => this.#approve.click(),
    });
  }

  #paint() {
    const live = !this.#isSending;
    enable(this.#deny, live);
    enable(this.#report, live);
    enable(this.#approve, live && (this.number?.isComplete() ?? true));
    if (this.number) this.number.input.readOnly = this.#isSending;
  }

  #tick() {
    this.ring.set(this.request.expiresAt - serverNow(this.request.account));
    const line = h("p", {}, where(this.request));
    const shown = document.getElementById("where");
    if (shown && shown.textContent !== line.textContent) shown.replaceChildren(...line.childNodes);
    if ((this.#isOver() || !this.#isInTime()) && !this.#isSettled()) this.#ask({ kind: "expired" });
  }

  #pressApprove() {
    if (this.number || this.#isSure) {
      this.#send("approve", this.#approve);
      return;
    }
    this.#isSure = true;
    this.#approve.textContent = t("request.approve-sure");
    this.warning.append(" ", t("request.sure-hint"));
    announce(t("request.sure-hint"));
    setState("sure");
    holdIn(this.#pair);
  }

  #pressDead() {
    if (!this.#isSending) this.number?.complain(t("request.number-short"));
  }

  #askReport() {
    const yes = button("report-yes", "deny", t("request.report-yes"), () => this.#send("report", yes));
    const no = button("report-no", "second", t("request.report-no"), () => {
      this.#below.replaceChildren(this.#report);
      setState("asking");
      this.#report.focus();
    });
    const what = h("p", { id: "report-what", tabindex: "-1" }, t("request.report-what"));
    // The way back is where the finger is.
    this.#below.replaceChildren(what, yes, no);
    holdIn(this.#below);
    setState("report");
    what.focus();
  }

  /** @param {Decision} decision @param {HTMLElement} pressed */
  async #send(decision, pressed) {
    if (this.#isSending) return;
    this.#isSending = true;
    this.#paint();
    setState("sending");
    announce(t("request.sending"));
    const number = decision === "approve" ? this.number?.input.value ?? null : null;
    await busy(pressed, t("request.sending"), async () => {
      const outcome = await answer(this.request, decision, number).catch(failed);
      this.#end(outcome, () => this.#resend(decision, pressed));
    });
    this.#isSending = false;
  }

  /** @param {Decision} decision @param {HTMLElement} pressed */
  #resend(decision, pressed) {
    this.show();
    this.#send(decision, pressed);
  }

  /** @param {Outcome} outcome @param {() => void} [again] */
  #end(outcome, again) {
    const { account, id } = this.request;
    const isLost = outcome.kind === "offline";
    if (outcome.kind === "expired" && !this.#isOver()) drop(id);
    else if (!isLost) settle(id);
    resultScreen(outcome, account, isLost ? again : undefined);
    if (isLost) hold(id);
    if (outcome.kind === "gone") markRemoved(account).catch(() => undefined);
    reload().catch(() => undefined);
  }
}

/** What this phone itself could not do. @param {unknown} fault @returns {Outcome} */
const failed = (fault) => ({ kind: "refused", code: String(fault), detail: "" });

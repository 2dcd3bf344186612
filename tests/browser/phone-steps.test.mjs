// Tests of the steps by which a person changes what he signs in with, without a browser:
//   node --test tests/browser/phone-steps.test.mjs

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import {
  $, CODES, HELD, OTHER, PHONE, QR, SET, TOTP, app, asked, begin, goesBack, id, isStep, lists, opens, press,
  server, settles, shown, sleep, text, went,
} from "./fake-account.mjs";
import { DEVICE, lost, problem } from "./fake-server.mjs";

beforeEach(begin);

test("nothing goes without a second look, which is held as every screen is", async () => {
  await opens(PHONE, OTHER, TOTP, SET);
  await sleep(HELD);
  $(`remove-${id(4)}`).click();
  assert.deepEqual(shown(), ["remove", "ready"]);
  assert.match(text(), /“Old phone” can then no longer sign ada in/);
  $("remove-yes").click();
  await settles();
  assert.equal(asked("DELETE", `/v1/self/devices/${id(4)}`).length, 0, "it was pressed too soon");
  server.routes.set(`DELETE /v1/self/devices/${id(4)}`, () => problem(403, "account-locked"));
  await press("remove-yes");
  assert.match(text(), /Your account is locked/);
  server.routes.set(`DELETE /v1/self/devices/${id(4)}`, () => new Response(null, { status: 204 }));
  $("remove-yes").click();
  await settles();
  assert.deepEqual(shown(), ["ways", "listed"]);
  await press(`remove-${id(1)}`);
  await press("remove-no");
  assert.deepEqual([shown()[0], server.asked.some(({ path }) => path.endsWith(id(1)))], ["ways", false]);
  // It was removed elsewhere meanwhile: no fault.
  await press(`remove-${id(2)}`);
  await press("remove-yes");
  assert.deepEqual([shown()[0], asked("DELETE", `/v1/self/authenticators/${id(2)}`).length], ["ways", 1]);
});

test("this phone leaves by its own way, and the last way in is called so", async () => {
  await opens(PHONE, { ...SET, left: 0 });
  await press(`remove-${DEVICE}`);
  assert.ok($("last"));
  server.routes.set("DELETE /v1/devices/self", () => new Response(null, { status: 204 }));
  await press("remove-yes");
  assert.deepEqual([went.at(-1)[0], app.allAccounts()], ["home", []]);
  assert.equal(server.asked.some(({ path }) => path.includes("/v1/self/devices")), false);
});

test("a phone gets another name, this one here too", async () => {
  await opens(PHONE, OTHER);
  await press(`rename-${DEVICE}`);
  assert.equal($("device-name").value, "Pixel");
  $("device-name").value = " ";
  await press("save");
  assert.match(text(), /Give the phone a name/);
  server.routes.set(`PUT /v1/self/devices/${DEVICE}`, ({ body }) => body);
  $("device-name").value = " Work phone ";
  await press("save");
  assert.deepEqual([shown()[0], server.asked.at(-2).body, app.allAccounts()[0].deviceName],
    ["ways", { name: "Work phone" }, "Work phone"]);
});

const link = () => `${server.issuer}/app/#enroll=gme_nADf7aU9eNxi7bO831Jeu22W10IL1EKHTUg7ilCleS0`;
const inTime = (seconds) => new Date(Date.now() + 1000 * seconds).toISOString();

test("a new phone is added by this one, and the page goes on when it is there", async () => {
  server.routes.set("POST /v1/self/enrollments", () => ({ id: id(8), user: "ada", token: "gme_x", link: link(),
    qr_svg: QR, expires_at: inTime(599) }));
  await opens(PHONE);
  await press("add-phone");
  assert.deepEqual(shown(), ["another", "waiting"]);
  assert.match($("rest").textContent, /It works once, for another 10 minutes/);
  assert.ok($("qr") && !text().includes("gme_"), "the link is in the code, and not to be read over a shoulder");
  let copied;
  navigator.clipboard = { writeText: async (what) => { copied = what; } };
  await press("copy");
  assert.deepEqual([copied, shown()[1]], [link(), "copied"]);
  lists(PHONE, { ...OTHER, status: "unconfirmed" });
  await sleep(3_500);
  await settles();
  assert.deepEqual([shown()[0], Boolean($(`code-${id(4)}`))], ["compare", true]);
  $(`code-${id(4)}`).value = "123 456";
  server.routes.set(`POST /v1/devices/${id(4)}/confirm`, () => ({}));
  await press(`confirm-${id(4)}`);
  assert.deepEqual(shown(), ["ways", "listed"]);
});

test("a code that is too old goes, and protected people are sent to their administrators", async () => {
  server.routes.set("POST /v1/self/enrollments", () => ({ link: link(), qr_svg: QR, expires_at: inTime(0.12) }));
  await opens(PHONE);
  await press("add-phone");
  await sleep(3_500);
  await settles();
  assert.deepEqual([shown(), $("qr")], [["another", "over"], null]);
  server.routes.set("POST /v1/self/enrollments", () => problem(403, "role-not-allowed"));
  await press("again");
  assert.deepEqual([shown(), $("again")], [["ways-failed", "protected"], null]);
  assert.match(text(), /ask an administrator/);
});

test("an authenticator app is confirmed by its digits; a wrong code is said plainly, and five end it", async () => {
  const path = `POST /v1/self/totp/${id(9)}/confirm`;
  server.routes.set("POST /v1/self/totp", () => ({ id: id(9), secret: "JBSWY3DPEHPK3PXP", qr_svg: QR,
    otpauth_uri: "otpauth://totp/Contoso:ada?secret=JBSWY3DPEHPK3PXP" }));
  await opens(PHONE);
  await press("add-app");
  assert.deepEqual([shown(), $("secret").textContent], [["totp", "waiting"], "JBSW Y3DP EHPK 3PXP"]);
  assert.match($("open").getAttribute("href"), /^otpauth:\/\/totp\//);
  $("code").value = "12 34";
  await press("confirm");
  assert.deepEqual([/all six digits/.test(text()), asked("POST", path.slice(5)).length], [true, 0]);
  server.routes.set(path, () => problem(422, "wrong-code"));
  $("code").value = "123 456";
  await press("confirm");
  assert.deepEqual([/That was not the code/.test(text()), $("code").value, shown()], [true, "", ["totp", "waiting"]]);
  assert.deepEqual(server.asked.at(-1).body, { code: "123456" });
  server.routes.set(path, lost);
  $("code").value = "123456";
  await press("confirm");
  assert.match(text(), /did not answer/);
  server.routes.set(path, () => problem(404, "not-found"));
  $("code").value = "123456";
  await press("confirm");
  assert.deepEqual([shown(), $("secret")], [["totp", "over"], null]);
  await press("again");
  server.routes.set(path, () => ({ id: id(9) }));
  $("code").value = "１２３４５６";
  await press("confirm");
  assert.deepEqual(shown(), ["totp", "added"]);
  server.routes.set("POST /v1/self/totp", () => problem(409, "too-many-authenticators"));
  await press("done");
  await press("add-app");
  assert.deepEqual(shown(), ["ways-failed", "too-many"]);
});

test("recovery codes are shown once, and replace others only when that was said", async () => {
  const path = "POST /v1/self/recovery-codes";
  server.routes.set(path, () => ({ id: id(9), codes: CODES }));
  await opens(PHONE, SET);
  await press("make-codes");
  assert.equal(shown()[0], "codes-replace");
  await press("replace-no");
  assert.deepEqual([shown()[0], asked("POST", "/v1/self/recovery-codes").length], ["ways", 0]);
  await press("make-codes");
  await press("replace-yes");
  assert.deepEqual([shown(), $("codes").children.map((one) => one.textContent)], [["codes", "made"], CODES]);
  assert.match(text(), /These are shown once\. The earlier ones no longer work\./);
  await goesBack();
  assert.deepEqual([shown(), Boolean($("codes"))], [["codes", "leaving"], true]);
  await press("leave-no");
  let copied;
  navigator.clipboard = { writeText: async (what) => { copied = what; } };
  await press("copy");
  assert.equal(copied, CODES.join("\n"));
  await press("done");
  assert.deepEqual([shown()[0], text().includes(CODES[0])], ["ways", false]);
  // Nothing is asked where there are none, and nothing said of them; a lost answer says what it may have done.
  for (const [first, ...others] of [[PHONE], [PHONE, { ...SET, left: 0 }]]) {
    await opens(first, ...others);
    await press("make-codes");
    assert.deepEqual([shown(), /earlier/.test(text())], [["codes", "made"], false]);
    await press("done");
  }
  server.routes.set(path, lost);
  await press("make-codes");
  assert.deepEqual([shown(), /earlier/.test(text())], [["ways-failed", "offline"], false]);
  await opens(PHONE, SET);
  await press("make-codes");
  await press("replace-yes");
  assert.match(text(), /Perhaps the earlier codes no longer work already/);
});

test("whatever was done, the way back leads from the overview to the account, and from there home", async () => {
  server.routes.set("POST /v1/self/recovery-codes", () => ({ id: id(9), codes: CODES }));
  server.routes.set("POST /v1/self/enrollments", () => problem(403, "account-locked"));
  app.go("account", DEVICE);
  await opens(PHONE, OTHER);
  const depth = history.state.depth;
  const steps = [["make-codes", "done"], ["add-phone", "back"], [`rename-${id(4)}`, "back"], [`remove-${id(4)}`,
    "remove-no"], ["add-app", "back"]];
  for (const [first, last] of steps) {
    await press(first);
    assert.equal(isStep(), true, first);
    await press(last);
    assert.deepEqual([shown(), isStep(), history.state.depth], [["ways", "listed"], false, depth], first);
  }
  // The phone's own way back does the same.
  await press("add-phone");
  await goesBack();
  assert.deepEqual([shown(), history.state.depth], [["ways", "listed"], depth]);
  // So does the way ahead, which has nothing more to show.
  history.go(1);
  await settles();
  await settles();
  assert.deepEqual([shown(), history.state.depth], [["ways", "listed"], depth]);
  await press("back");
  assert.deepEqual([went.at(-1), history.state.depth], [["account", DEVICE], depth - 1]);
  await goesBack();
  assert.deepEqual([went.at(-1)[0], history.state.depth], ["home", depth - 2]);
});

test("a button that is touched twice leads back once, and a screen that nothing led to is replaced", async () => {
  app.go("account", DEVICE);
  await opens(PHONE);
  await press("add-phone");
  await sleep(HELD);
  $("back").click();
  $("back").click();
  await settles();
  assert.deepEqual(shown(), ["ways", "listed"]);
  history.clear();
  history.replaceState(null, "", app.addressOf("ways", DEVICE));
  app.follow();
  await settles();
  const { length } = history;
  await press("back");
  assert.deepEqual([went.at(-1), location.hash.slice(0, 8), history.length], [["account", DEVICE], "#account", length]);
});

test("codes that nobody has kept are left only after a question, which comes once", async () => {
  server.routes.set("POST /v1/self/recovery-codes", () => ({ id: id(9), codes: CODES }));
  const fresh = async () => {
    await opens(PHONE);
    await press("make-codes");
    assert.deepEqual(shown(), ["codes", "made"]);
  };
  const hinders = () => document.heard("beforeunload").length;
  await fresh();
  assert.equal(hinders(), 1);
  await goesBack();
  assert.deepEqual([shown(), isStep(), Boolean($("codes"))], [["codes", "leaving"], true, true]);
  assert.match(text(), /These codes are shown only now\. Leave\?/);
  // A second time it leads back; so does the button, and another screen only then.
  await goesBack();
  assert.deepEqual([shown(), isStep(), hinders()], [["ways", "listed"], false, 0]);
  await fresh();
  await goesBack();
  await press("leave-yes");
  assert.deepEqual([shown(), isStep(), $("codes")], [["ways", "listed"], false, null]);
  await fresh();
  app.go("request");
  assert.deepEqual([shown(), went], [["codes", "leaving"], []]);
  await press("leave-no");
  assert.deepEqual(shown(), ["codes", "made"]);
  app.go("request");
  await press("leave-yes");
  assert.deepEqual(went, [["request", undefined]]);
  await fresh();
  history.pushState(null, "", `${server.issuer}/app/#enroll=gme_x`);
  app.follow();
  assert.deepEqual([shown(), location.hash], [["codes", "leaving"], ""]);
  await press("leave-yes");
  assert.equal(went.at(-1)[0], "link");
  // Whoever has copied or printed them, or says that he has kept them, is not asked.
  navigator.clipboard = { writeText: async () => undefined };
  globalThis.print = () => undefined;
  for (const kept of ["copy", "print", "done"]) {
    await fresh();
    await press(kept);
    assert.equal(hinders(), 0, kept);
    if (kept !== "done") await goesBack();
    assert.deepEqual(shown(), ["ways", "listed"], kept);
  }
  // One that could not copy them has nothing yet.
  navigator.clipboard = { writeText: async () => lost() };
  await fresh();
  await press("copy");
  await goesBack();
  assert.deepEqual(shown(), ["codes", "leaving"]);
  await press("leave-yes");
  delete globalThis.print;
});

test("the fifth wrong code of an authenticator app ends it, and it can be begun anew", async () => {
  const path = `POST /v1/self/totp/${id(9)}/confirm`;
  server.routes.set("POST /v1/self/totp", () => ({ id: id(9), secret: "JBSWY3DPEHPK3PXP", qr_svg: QR,
    otpauth_uri: "otpauth://totp/Contoso:ada?secret=JBSWY3DPEHPK3PXP" }));
  server.routes.set(path, () => problem(422, "wrong-code"));
  await opens(PHONE);
  await press("add-app");
  for (const count of [1, 2, 3, 4]) {
    $("code").value = "123456";
    await press("confirm");
    assert.deepEqual([shown(), /type it/.test(text())], [["totp", "waiting"], true], count);
  }
  $("code").value = "123456";
  await press("confirm");
  assert.deepEqual([shown(), $("secret")], [["totp", "over"], null]);
  assert.match(text(), /too many wrong codes/);
  await press("again");
  $("code").value = "123456";
  await press("confirm");
  assert.deepEqual(shown(), ["totp", "waiting"], "it counts anew");
});

test("whoever changes too much at once is told for how long he waits", async () => {
  const often = (seconds) => () => {
    const answer = problem(503, "overloaded");
    answer.headers.set("retry-after", String(seconds));
    return answer;
  };
  await opens(PHONE, OTHER);
  for (const [seconds, state, said] of [[599, "often", /^Too much was changed just now.*Try again in 10 minutes\./],
    [61, "often", /Try again in 2 minutes\./], [7, "often", /Try again in 1 minute\./],
    [1, "busy", /has too much to do/]]) {
    server.routes.set("POST /v1/self/totp", often(seconds));
    await press("add-app");
    assert.deepEqual([shown(), Boolean($("again"))], [["ways-failed", state], state === "busy"], seconds);
    assert.match(text(), said);
    await press("back");
  }
  server.routes.set(`DELETE /v1/self/devices/${id(4)}`, often(300));
  await press(`remove-${id(4)}`);
  await press("remove-yes");
  assert.match(text(), /Too much was changed just now\. Try again in 5 minutes\./);
});

test("no answer that comes late takes the place of another screen", async () => {
  let answers;
  server.routes.set("POST /v1/self/totp", () => new Promise((resolve) => { answers = resolve; }));
  await opens(PHONE);
  await press("add-app");
  assert.deepEqual(shown(), ["totp", "making"]);
  app.go("ways", DEVICE);
  answers(problem(409, "too-many-authenticators"));
  await settles();
  assert.deepEqual(shown(), ["ways", "listed"]);
});

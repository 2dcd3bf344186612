// Tests of how a person looks after his account, without a browser: node --test tests/browser/phone-account.test.mjs

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import {
  $, AT, CODES, LIST, OTHER, PASS, PHONE, QR, SET, TOTP, account, app, begin, id, lists, load, opens, press, server,
  settles, shown, text,
} from "./fake-account.mjs";
import { DEVICE, lost, problem } from "./fake-server.mjs";

const [drawing, extras, notices, totp, ways, item, words] = await Promise.all(
  ["drawing", "extras", "notice-list", "totp-screen", "ways", "way-item", "words"].map(load));

beforeEach(begin);

test("a sheet that could not be fetched is fetched at the next try", async () => {
  const fresh = await import(`${new URL("../../phone/extras.js", import.meta.url).href}?1`);
  document.head.isOffline = true;
  await assert.rejects(fresh.prepare());
  document.head.isOffline = false;
  await fresh.prepare();
  assert.ok(words.knows("ways.title"));
});

test("the list is read strictly: what is not known is left out, and what is broken is no list", async () => {
  lists(PHONE, TOTP, SET, PASS, { ...TOTP, kind: "passkey" }, { ...TOTP, status: "asleep", id: 7 });
  const found = await ways.ways(account);
  assert.deepEqual(found.map(({ kind, left }) => [kind, left]),
    [["phone", null], ["totp", null], ["recovery_codes", 7], ["access_pass", 1]]);
  assert.deepEqual([found[3].expiresAt, found[0].createdAt, found[0].startsAt],
    [Date.parse(PASS.expires_at), Date.parse(AT), null]);
  const broken = [{ items: null }, [], "x", { items: [null] }, { items: [{ ...TOTP, id: "../x" }] },
    { items: [{ ...TOTP, name: 7 }] }, { items: [{ ...TOTP, created_at: null }] },
    { items: [{ ...PASS, expires_at: "soon" }] }, { items: [{ ...SET, left: -1 }] },
    { items: [{ ...SET, left: "7" }] }];
  for (const answer of broken) {
    server.routes.set(LIST, () => answer);
    await assert.rejects(ways.ways(account), { code: "unreadable-answer" }, JSON.stringify(answer));
  }
});

test("what is made is read strictly: no link to elsewhere, no other kind of link to press, no empty set", async () => {
  const token = "gme_nADf7aU9eNxi7bO831Jeu22W10IL1EKHTUg7ilCleS0";
  const phone = { link: `${server.issuer}/app/#enroll=${token}`, qr_svg: QR, expires_at: AT };
  const key = { id: id(9), secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", otpauth_uri: "otpauth://totp/x?secret=J",
    qr_svg: QR };
  const cases = [
    ["enrollments", () => ways.newPhone(account), phone, [{ link: `https://evil.example/app/#enroll=${token}` },
      { link: token.slice(0, 9) }, { link: `${server.issuer}/other/app/#enroll=${token}` }, { qr_svg: null },
      { expires_at: "x" }]],
    ["totp", () => ways.newTotp(account), key, [{ otpauth_uri: "javascript:alert(1)" }, { otpauth_uri: "https://x" },
      { secret: "not base32" }, { id: "x" }, { qr_svg: 1 }]],
    ["recovery-codes", () => ways.newCodes(account), { id: id(9), codes: CODES },
      [{ codes: [] }, { codes: [7] }, { codes: null }, { codes: ["<b>"] }, { codes: [""] }]],
  ];
  for (const [path, make, good, bad] of cases) {
    server.routes.set(`POST /v1/self/${path}`, () => good);
    await make();
    assert.deepEqual(server.asked.at(-1).body, {}, path);
    for (const changed of bad) {
      server.routes.set(`POST /v1/self/${path}`, () => ({ ...good, ...changed }));
      await assert.rejects(make(), { code: "unreadable-answer" }, JSON.stringify(changed));
    }
  }
});

test("a QR code is drawn of rectangles and paths alone", () => {
  const read = drawing.readDrawing(QR);
  assert.deepEqual([read.box, read.shapes.map(({ name }) => name)], ["0 0 246 246", ["rect", "path"]]);
  assert.deepEqual({ ...read.shapes[1].attributes }, { fill: "#000", d: "M24 24h6v6H24V24M30 24h6v6H30V24" });
  const element = drawing.drawing(QR, "The code");
  assert.deepEqual([element.getAttribute("role"), element.getAttribute("aria-label"), element.children.length],
    ["img", "The code", 2]);
  const turned = (from, to) => QR.replace(from, to);
  for (const svg of ["", "x", turned("<path", "<script"), turned("</svg>", "<image href='x'/></svg>"),
    turned('fill="#000"', 'fill="url(#x)"'), turned('fill="#000"', 'onload="x"'), turned('fill="#000"', 'style="x"'),
    turned('viewBox="0 0 246 246"', ""), turned("M24 24", "M24 &lt;"), turned("</svg>", "text</svg>"), `${QR}x`,
    turned('fill="#fff"', 'href="https://x"')]) {
    assert.equal(drawing.readDrawing(svg), null, svg);
    assert.equal(drawing.drawing(svg, "x"), null);
  }
});

test("each state is told in words", () => {
  const hour = 3_600_000;
  const now = Date.now();
  const way = (kind, changed = {}) => ({ id: id(1), kind, name: null, status: "active", createdAt: now - 48 * hour,
    lastUsedAt: null, startsAt: null, expiresAt: null, left: null, ...changed });
  const lines = (kind, changed) => item.linesOf(way(kind, changed), { ...account, clockOffset: 0 }).join(" | ");
  const cases = [
    ["phone", {}, "Not used yet"],
    ["phone", { lastUsedAt: now - 2 * hour }, "Last used 2 hours ago"],
    ["phone", { id: DEVICE, lastUsedAt: now }, "This phone | Last used now"],
    ["phone", { status: "unconfirmed" }, "Waits to be confirmed"],
    ["phone", { status: "over" }, "No longer works"],
    ["totp", {}, "Not used yet | Added 2 days ago"],
    ["totp", { status: "unconfirmed" }, "Never finished, so it does not work. Remove it, and add it anew."],
    ["totp", { status: "not-yet" }, "Does not work yet"],
    ["totp", { status: "over" }, "No longer works"],
    ["recovery_codes", { left: 7 }, "7 of 10 left | Added 2 days ago"],
    ["recovery_codes", { left: 0 }, "All are used. Make new ones."],
    ["recovery_codes", { left: 3, status: "over" }, "All are used. Make new ones."],
    ["access_pass", {}, "In force"],
    ["access_pass", { status: "over" }, "No longer works"],
    ["access_pass", { status: "not-yet" }, "Does not work yet"],
  ];
  for (const [kind, changed, said] of cases) assert.equal(lines(kind, changed), said, JSON.stringify([kind, changed]));
  assert.match(lines("access_pass", { expiresAt: now }), /^Works until .*\d/);
  assert.match(lines("access_pass", { status: "not-yet", startsAt: now, expiresAt: now }), /^Works from .* until .*\d/);
  const isShown = (kind, status) => item.isShown(way(kind, { status }));
  assert.deepEqual([isShown("access_pass", "active"), isShown("access_pass", "over"), isShown("totp", "over")],
    [true, false, true]);
});

test("the overview shows what there is, and what can be done with each", async () => {
  const waiting = { ...OTHER, id: id(5), name: "New phone", status: "unconfirmed", last_used_at: null };
  await opens(PHONE, OTHER, waiting, TOTP, SET, PASS, { ...PASS, id: id(6), status: "over" });
  assert.deepEqual(shown(), ["ways", "listed"]);
  assert.deepEqual(["phones", "apps", "codes", "passes"].map((name) => $(name).children.length), [3, 1, 1, 1]);
  const has = (what) => [DEVICE, id(4), id(5), id(1)].map((one) => Boolean($(`${what}-${one}`)));
  assert.deepEqual([has("rename"), has("compare"), has("remove")],
    [[true, true, false, false], [false, false, true, false], [true, true, true, true]]);
  assert.equal($(`remove-${id(4)}`).getAttribute("aria-label"), "Remove “Old phone”");
  await opens(PHONE);
  assert.deepEqual(["apps", "codes", "passes"].map($), [null, null, null]);
  assert.match(text(), /Kept on paper/);
});

test("where no list comes, it says why, and asks once more", async () => {
  await opens();
  const cases = [[lost, "offline", /cannot be fetched now/],
    [() => problem(403, "account-locked"), "locked", /is locked/],
    [() => problem(404, "not-found"), "missing", /cannot be fetched/], [() => ({}), "refused", /cannot be fetched/],
    [() => problem(401, "credential-invalid"), "gone", /was removed/]];
  for (const [answer, state, said] of cases) {
    server.routes.set(LIST, answer);
    app.go("ways", DEVICE);
    await settles();
    assert.deepEqual([shown(), said.test(text())], [["ways", state], true], state);
  }
  lists(PHONE);
  await press("refetch");
  assert.deepEqual(shown(), ["ways", "listed"]);
});

test("small things: groups of a key, digits of a code", () => {
  assert.deepEqual([totp.grouped("ABCDEFGHIJ"), totp.grouped("")], ["ABCD EFGH IJ", ""]);
  assert.deepEqual(["123456", " 123 456 ", "12345", "1234567", "12345a", ""].map(totp.digitsIn),
    ["123456", "123456", null, null, null, null]);
});

test("each kind of notice has a sentence, with the gateway and the computer where they are told", async () => {
  const kinds = ["factor-failed", "reported", "phone-added", "phone-removed", "totp-added", "totp-removed",
    "recovery-codes-made", "recovery-codes-removed", "recovery-code-used", "access-pass-made", "access-pass-removed",
    "access-pass-used", "bypass-made", "no-page", "not-known-yet", "other"];
  const said = [];
  for (const [index, kind] of kinds.entries()) {
    const about = kind === "factor-failed" ? { gateway: "Oslo", client: { name: "PC7", ip: "198.51.100.7" } } : {};
    const notice = await server.sign("gatematch-notice+jwt", { iss: server.issuer, aud: DEVICE, sub: "ada",
      jti: id(index), iat: Math.floor(Date.now() / 1000), kind, ...about });
    server.routes.set("GET /v1/devices/self/notices", () => ({ items: [{ id: id(index), notice }] }));
    const [node] = await notices.noticeItems([account], false);
    said.push(node.textContent);
  }
  const of = (kind) => said[kinds.indexOf(kind)];
  assert.match(of("factor-failed"), /^A wrong code or number was given .*Gateway: Oslo.*From PC7, 198/);
  assert.match(of("phone-added"), /^A phone was added to your account\. If this was not you, tell your helpdesk\.now$/);
  assert.match(of("no-page"), /at a gateway was refused/);
  assert.equal(of("not-known-yet"), of("other"));
  assert.equal(new Set(said).size, kinds.length - 1);
});

// Tests of the phone's modules without a screen, in Node: node --test tests/browser/phone-core.test.mjs

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { fakeIndexedDb } from "./fake-indexeddb.mjs";
import { DEVICE, fakeServer, lost, openApp, problem } from "./fake-server.mjs";
import { FILES, MODULES, run } from "./vectors.mjs";

openApp(fakeIndexedDb());
const at = (path) => new URL(`../../${path}`, import.meta.url);
const load = (name) => import(at(`phone/${name}.js`).href);
const [jws, jwk, api, clock, database, enrollment, keys, requests, notices] = await Promise.all(
  ["jws", "jwk", "api", "clock", "database", "enrollment", "keys", "requests", "notices"].map(load));

const TOKEN = "gme_nADf7aU9eNxi7bO831Jeu22W10IL1EKHTUg7ilCleS0";
const IDS = ["019b76da-9478-7505-8505-050505050501", "019b76da-9478-7505-8505-050505050502"];
const CHALLENGES = "GET /v1/devices/self/challenges";

let server;
beforeEach(async () => {
  openApp(fakeIndexedDb());
  server = await fakeServer({ jws, jwk });
  server.enrolls();
});

const enrolled = () => enrollment.enroll(TOKEN, "Ada's phone");
const said = (token) => jws.parse(token).claims;
const SELF = "GET /v1/devices/self";
const hash = async (text) => Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(text)));
const pending = async () => database.pending((await hash(TOKEN)).toString("base64url"));
const asksOf = (path) => server.asked.filter((one) => one.path === path).length;
/** The one request that waits for an account. */
async function waiting(account, id = IDS[0], changed = {}) {
  const challenge = await server.challenge(id, changed);
  server.routes.set(CHALLENGES, () => ({ items: [{ id, challenge }] }));
  return (await requests.look([account], 0)).requests[0];
}

/** The vectors, and the modules that they are about. */
async function vectorsAndModules() {
  const read = (file) => JSON.parse(readFileSync(at(`protocol/vectors/${file}.json`), "utf8"));
  const vectors = Object.fromEntries(FILES.map((file) => [file, read(file)]));
  const modules = await Promise.all(MODULES.map(async (name) => [name, await load(name)]));
  return { vectors, modules: Object.fromEntries(modules) };
}

test("every vector that concerns the phone is judged as it should be", async () => {
  const { vectors, modules } = await vectorsAndModules();
  assert.deepEqual(await run(vectors, modules), []);
  const alone = new Function(`return ${run}`)();
  assert.deepEqual(await alone(vectors, modules), []);
});

test("the runner of the vectors finds faults", async () => {
  const { vectors, modules } = await vectorsAndModules();
  const blind = { ...modules, jws: { ...modules.jws, verify: async () => true }, json: { parse: () => ({}) } };
  assert.ok((await run(vectors, blind)).length > 30);
});

test("an enrollment link is read, and one of another server is told apart", () => {
  const { issuer } = server;
  assert.deepEqual(enrollment.readLink(` ${issuer}/app/#enroll=${TOKEN}\n`), { issuer, token: TOKEN });
  assert.deepEqual(enrollment.readLink(TOKEN), { issuer, token: TOKEN });
  const below = `${issuer}/mfa`;
  assert.deepEqual(enrollment.readLink(`${below}/app/#enroll=${TOKEN}`), { issuer: below, token: TOKEN });
  const elsewhere = "https://other.example";
  assert.deepEqual(enrollment.readLink(`${elsewhere}/app/#enroll=${TOKEN}`), { elsewhere });
  for (const text of ["", "hello", `${issuer}/app/`, `${issuer}/app/#enroll=short`, `javascript:1/app/#enroll=${TOKEN}`,
    `https://mfa.example.com@evil.example/app/#enroll=${TOKEN}`,
    `${issuer}/app/#enroll=${TOKEN}/app/#enroll=${TOKEN}`]) {
    assert.equal(enrollment.readLink(text), null, text);
  }
});

test("enrollment keeps a key that nobody can take, and asks this server alone, without cookies", async () => {
  const account = await enrolled();
  assert.equal(account.keys.privateKey.extractable, false);
  assert.deepEqual((await database.accounts()).map(({ deviceId, user, company }) => [deviceId, user, company]),
    [[DEVICE, "ada", "Contoso"]]);
  for (const { origin, init } of server.asked) {
    assert.equal(origin, server.issuer);
    assert.deepEqual([init.credentials, init.redirect, init.cache], ["omit", "error", "no-store"]);
  }
  const { proof, body } = server.asked.at(-1);
  assert.equal(said(proof).htu, `${server.issuer}/v1/devices`);
  assert.deepEqual(Object.keys(body.public_key), ["kty", "crv", "x", "y"]);
});

test("a refused enrollment leaves nothing behind", async () => {
  server.routes.set("POST /v1/devices", () => problem(410, "enrollment-gone"));
  await assert.rejects(enrolled(), { code: "enrollment-gone" });
  assert.deepEqual([await database.accounts(), await pending()], [[], undefined]);
  assert.equal(server.asked.filter(({ path }) => path.endsWith("/self")).length, 0);
  server.routes.set("POST /v1/devices", () => ({ device_id: DEVICE, user: "ada", issuer: "https://mfa.example.com/",
    status: "active", server_keys: server.published }));
  await assert.rejects(enrolled(), { code: "wrong-issuer" });
  assert.deepEqual(await database.accounts(), []);
});

test("an enrollment whose answer was lost is found again by the same key", async () => {
  server.routes.set("POST /v1/devices", lost);
  await assert.rejects(enrolled(), api.Offline);
  const first = server.asked.at(-1).body.public_key;
  server.routes.set("POST /v1/devices", () => problem(410, "enrollment-gone"));
  server.routes.set("GET /v1/devices/self", () => ({ id: DEVICE, user: "ada", name: "Ada's phone", status: "active" }));
  const account = await enrolled();
  assert.deepEqual([account.deviceId, account.publicJwk, account.serverKeys.length], [DEVICE, first, 1]);
});

test("an enrollment that the browser has sent twice is found by its key, also at the first try", async () => {
  server.routes.set("POST /v1/devices", () => problem(401, "proof-replayed"));
  server.routes.set(SELF, () => ({ id: DEVICE, user: "ada", name: "Ada's phone", status: "active" }));
  const account = await enrolled();
  const sent = server.asked.find(({ body }) => body).body.public_key;
  assert.deepEqual([account.deviceId, account.publicJwk], [DEVICE, sent]);
  assert.deepEqual([asksOf("/v1/devices"), await pending()], [1, undefined]);
});

test("where nobody knows what became of an enrollment, its key stays for the next try", async () => {
  for (const refusal of [problem(401, "proof-replayed"), problem(401, "stale-proof"), problem(429, "overloaded"),
    problem(503, "unavailable")]) {
    server.routes.set("POST /v1/devices", () => refusal.clone());
    server.routes.set(SELF, () => problem(401, "credential-invalid"));
    await assert.rejects(enrolled(), refusal.status === 401 ? api.Offline : { status: refusal.status });
    assert.ok(await pending(), refusal.status);
  }
  const { publicJwk } = await pending();
  server.enrolls();
  assert.deepEqual((await enrolled()).publicJwk, publicJwk);
});

test("a refusal of the proof itself is final", async () => {
  server.routes.set("POST /v1/devices", () => problem(401, "credential-invalid"));
  await assert.rejects(enrolled(), { code: "credential-invalid" });
  assert.deepEqual([await pending(), asksOf("/v1/devices/self")], [undefined, 0]);
});

test("what cannot be kept is told as such, and a second try goes on with the key", async () => {
  const { open } = indexedDB;
  indexedDB.open = () => { throw new DOMException("no room", "QuotaExceededError"); };
  await assert.rejects(enrolled(), database.StorageFault);
  assert.equal(asksOf("/v1/devices"), 0);
  server.routes.set("POST /v1/devices", () => {
    indexedDB.open = () => { throw new DOMException("no room", "QuotaExceededError"); };
    return { device_id: DEVICE, user: "ada", issuer: server.issuer, status: "active", server_keys: server.published };
  });
  indexedDB.open = open;
  await assert.rejects(enrolled(), database.StorageFault);
  indexedDB.open = open;
  server.routes.set("POST /v1/devices", () => problem(410, "enrollment-gone"));
  server.routes.set(SELF, () => ({ id: DEVICE, user: "ada", name: "Ada's phone", status: "active" }));
  assert.equal((await enrolled()).deviceId, DEVICE);
});

test("a proof that came twice is made anew, but for what may count twice", async () => {
  const account = await enrolled();
  for (const method of ["GET", "PUT", "DELETE", "POST"]) {
    const proofs = [];
    server.routes.set(`${method} /x`, ({ proof }) => {
      proofs.push(said(proof).jti);
      return proofs.length === 1 ? problem(401, "proof-replayed") : { n: 1 };
    });
    if (method === "POST") await assert.rejects(api.call(account, method, "/x"), { code: "proof-replayed" });
    else assert.deepEqual(await api.call(account, method, "/x"), { n: 1 });
    assert.equal(new Set(proofs).size, method === "POST" ? 1 : 2, method);
  }
  server.routes.set("GET /x", () => problem(401, "proof-replayed"));
  await assert.rejects(api.call(account, "GET", "/x"), { code: "proof-replayed" });
});

test("an answer may take as long as the server was asked to wait, and some seconds more", async () => {
  const account = await enrolled();
  server.routes.set(CHALLENGES, () => ({ items: [] }));
  const limits = [];
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (work, time) => { limits.push(time); return setTimeout(work, time); };
  try {
    await requests.look([account], 25);
    await requests.look([account], 0);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assert.deepEqual(limits, [40_000, 15_000]);
});

test("the date of an answer teaches the server's time, unless the answer took long", async () => {
  const account = await enrolled();
  const date = new Date(Date.now() - 3_600_000).toUTCString();
  server.routes.set("GET /x", () => new Response("{}", { headers: { date } }));
  await clock.learn(account, date, 10_001);
  assert.equal(account.clockOffset, 0);
  await api.call(account, "GET", "/x");
  assert.ok(Math.abs(account.clockOffset + 3_600_000) < 5_000);
  assert.equal((await database.accounts())[0].clockOffset, account.clockOffset);
  // What cannot be kept does not undo the answer.
  indexedDB.open = () => { throw new DOMException("no room", "QuotaExceededError"); };
  await clock.learn(account, new Date().toUTCString());
  assert.ok(Math.abs(account.clockOffset) < 5_000);
});

test("an enrollment that never arrived ends with the refusal of the second try", async () => {
  server.routes.set("POST /v1/devices", lost);
  await assert.rejects(enrolled(), api.Offline);
  server.routes.set("POST /v1/devices", () => problem(410, "enrollment-gone"));
  server.routes.set("GET /v1/devices/self", () => problem(401, "credential-invalid"));
  await assert.rejects(enrolled(), { code: "enrollment-gone" });
});

test("a phone whose clock is wrong learns the server's time and tries once more", async () => {
  const account = await enrolled();
  const server_time = new Date(Date.now() + 3_600_000).toISOString();
  let asked = 0;
  server.routes.set("GET /v1/devices/self", ({ proof }) => {
    asked += 1;
    const isStale = Math.abs(said(proof).iat - Date.parse(server_time) / 1000) > 60;
    return isStale ? problem(401, "stale-proof", { server_time })
      : new Response(JSON.stringify({ status: "active", push: false, name: "x" }));
  });
  assert.deepEqual(await enrollment.refresh(account), { status: "active", push: false });
  assert.equal(asked, 2);
  assert.ok(Math.abs((await database.accounts())[0].clockOffset - 3_600_000) < 5_000);
  server.routes.set("GET /v1/devices/self", () => problem(401, "stale-proof", { server_time }));
  await assert.rejects(enrollment.refresh(account), { code: "stale-proof" });
});

test("a phone never answers a server that is not where the app came from", async () => {
  const account = await enrolled();
  const before = server.asked.length;
  await assert.rejects(api.call({ ...account, issuer: "https://evil.example" }, "GET", "/x"), { code: "wrong-issuer" });
  await assert.rejects(api.callOpenly("https://evil.example/x", "GET"), { code: "wrong-origin" });
  assert.equal(server.asked.length, before);
});

test("leaving forgets the account where the server knows it no more, and not without a network", async () => {
  const account = await enrolled();
  server.routes.set("DELETE /v1/devices/self", lost);
  await assert.rejects(enrollment.leave(account), api.Offline);
  assert.equal((await database.accounts()).length, 1);
  server.routes.set("DELETE /v1/devices/self", () => problem(401, "credential-invalid"));
  await enrollment.leave(account);
  assert.deepEqual(await database.accounts(), []);
});

test("a phone that the server does not know keeps its key until a person removes it", async () => {
  const account = await enrolled();
  server.routes.set(SELF, () => problem(401, "credential-invalid"));
  assert.equal((await enrollment.refresh(account)).status, "gone");
  assert.equal((await database.accounts())[0].removed, true);
  server.routes.set(SELF, () => ({ status: "active", push: true, name: "x" }));
  await enrollment.refresh(account);
  assert.equal((await database.accounts())[0].removed, false);
  await enrollment.markRemoved(account);
  server.routes.set("DELETE /v1/devices/self", lost);
  await enrollment.leave(account);
  assert.deepEqual(await database.accounts(), []);
});

test("only a challenge that holds is shown", async () => {
  const account = await enrolled();
  const good = await server.challenge(IDS[0]);
  const items = [
    { id: IDS[0], challenge: good }, { id: IDS[1], challenge: good }, { id: IDS[1] }, null,
    { id: IDS[1], challenge: await server.challenge(IDS[1], { exp: 1 }) },
    { id: IDS[1], challenge: await server.challenge(IDS[1], { aud: IDS[0] }) },
    { id: IDS[1], challenge: `${good.slice(0, -4)}AAAA` },
    { id: IDS[1], challenge: await server.challenge(IDS[1], { sub: "eve" }) },
  ];
  server.routes.set(CHALLENGES, () => ({ items }));
  const look = await requests.look([account], 0);
  assert.deepEqual(look.requests.map(({ id, digits, client }) => [id, digits, client.name]), [[IDS[0], 3, "LAPTOP-7"]]);
  assert.equal(look.disbelieved.length, items.length - 1);
});

test("at an unknown key the server's keys are fetched once, and new ones are pinned", async () => {
  const account = await enrolled();
  const fetched = () => server.asked.filter(({ path }) => path.endsWith("jwks.json")).length;
  const unknown = await server.sign("gatematch-challenge+jwt", {}, "019b76a3-b980-7707-8707-0707070707ff");
  server.routes.set(CHALLENGES, () => ({ items: IDS.map((id) => ({ id, challenge: unknown })) }));
  assert.equal((await requests.look([account], 0)).disbelieved.length, 2);
  assert.equal(fetched(), 1);
  await database.amend(account, (kept) => { kept.serverKeys = []; });
  assert.ok(await waiting(account));
  assert.deepEqual([fetched(), (await database.accounts())[0].serverKeys.length], [2, 1]);
});

test("a key that was asked for in vain is not asked for again so soon, and a pinned one never changes", async () => {
  const account = await enrolled();
  const fetched = () => asksOf("/.well-known/jwks.json");
  const unknown = await server.sign("gatematch-challenge+jwt", {}, "019b76a3-b980-7707-8707-0707070707fe");
  server.routes.set(CHALLENGES, () => ({ items: [{ id: IDS[0], challenge: unknown }] }));
  const [pinned] = account.serverKeys;
  const other = await jwk.exportPublic((await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"])).publicKey);
  const old = { ...other, kid: "old" };
  account.serverKeys.push(old);
  server.published.keys = [{ ...other, kid: pinned.kid }, { ...other, kid: "new" }];
  assert.match((await requests.look([account], 0)).disbelieved[0], /fe$/);
  assert.deepEqual(account.serverKeys, [pinned, { ...other, kid: "new" }], "one that is published no more is dropped");
  await requests.look([account], 0);
  assert.equal(fetched(), 1);
  const { now } = Date;
  Date.now = () => now() + 60_001;
  server.published.keys = [];
  try {
    await requests.look([account], 0);
  } finally {
    Date.now = now;
  }
  assert.deepEqual([fetched(), account.serverKeys.length], [2, 2]);
  const jwks_uri = `${server.issuer}/.well-known/jwks.json`;
  await assert.rejects(keys.published({ jwks_uri }), { code: "no-server-keys" });
});

test("looking tells accounts that are gone from a server that is silent", async () => {
  const account = await enrolled();
  server.routes.set(CHALLENGES, () => problem(401, "credential-invalid"));
  assert.deepEqual((await requests.look([account], 0)).gone, [account]);
  for (const silence of [lost, () => problem(503, "unavailable"), () => new Response("<html>", { status: 502 })]) {
    server.routes.set(CHALLENGES, silence);
    const look = await requests.look([account], 0);
    assert.deepEqual([look.offline, look.gone, look.requests], [true, [], []]);
  }
});

test("of several accounts the first that has something ends the wait", async () => {
  const account = await enrolled();
  const other = { ...account, publicJwk: { ...account.publicJwk } };
  const challenge = await server.challenge(IDS[0]);
  let calls = 0;
  server.routes.set(CHALLENGES, ({ path, init }) => {
    calls += 1;
    if (!path.includes("wait") || calls === 1) return { items: calls % 2 === 1 ? [{ id: IDS[0], challenge }] : [] };
    return new Promise((_, reject) => init.signal.addEventListener("abort", () => reject(new Error("aborted"))));
  });
  assert.equal((await requests.look([account, other], 30)).requests.length, 1);
  await assert.rejects(requests.look([account], 0, AbortSignal.abort()), { name: "AbortError" });
});

test("an answer says what the person said, and nothing more", async () => {
  const account = await enrolled();
  const request = await waiting(account);
  const path = `POST /v1/challenges/${IDS[0]}/response`;
  server.routes.set(path, () => ({ status: "approved", reason: null }));
  assert.equal((await requests.answer(request, "approve", "04")).code, "malformed-number");
  assert.deepEqual(await requests.answer(request, "approve", "047"), { kind: "approved" });
  const { body, init, proof } = server.asked.at(-1);
  assert.deepEqual([proof, init.keepalive], [undefined, true]);
  assert.deepEqual([said(body.response).number, said(body.response).uv], ["047", "none"]);
  assert.equal((await database.accounts())[0].lastSignIn.gateway, "rdg01");
  assert.ok(!JSON.stringify(await database.accounts()).includes("047"));
  await database.amend(account, (kept) => { kept.lastSignIn = null; });
  server.routes.set(path, () => ({ status: "denied", reason: "user" }));
  assert.deepEqual(await requests.answer(request, "deny", "047"), { kind: "denied" });
  server.routes.set(path, () => ({ status: "approved", reason: null }));
  await requests.answer(request, "deny", null);
  assert.equal((await database.accounts())[0].lastSignIn, null);
  assert.equal(said(server.asked.at(-1).body.response).number, undefined);
});

test("every answer of the server has its outcome, and none but an approval is one", async () => {
  const account = await enrolled();
  const request = await waiting(account);
  const cases = [
    [() => ({ status: "denied", reason: "wrong-number" }), { kind: "wrong-number" }],
    [() => ({ status: "denied", reason: "reported" }), { kind: "reported" }],
    [() => ({ status: "denied", reason: "locked" }), { kind: "over", state: "denied" }],
    [() => ({}), { kind: "over", state: "undefined" }],
    [() => problem(409, "already-decided", { state: "approved" }), { kind: "approved" }],
    [() => problem(409, "already-decided", { state: "redeemed" }), { kind: "approved" }],
    [() => problem(409, "already-decided", { state: "denied", reason: "user" }), { kind: "denied" }],
    [() => problem(409, "already-decided", { state: "denied" }), { kind: "over", state: "denied" }],
    [() => problem(409, "cancelled", { state: "cancelled" }), { kind: "over", state: "cancelled" }],
    [() => problem(409, "expired", { state: "expired" }), { kind: "expired" }],
    [() => problem(404, "not-found"), { kind: "expired" }],
    [() => problem(401, "response-not-authentic"), { kind: "gone" }],
    [() => problem(422, "uv-required"), { kind: "refused", code: "uv-required", detail: "It is so." }],
    [() => new Response("<html>", { status: 200 }), undefined],
    [() => new Response("<html>", { status: 502 }), undefined],
    [lost, { kind: "offline" }],
  ];
  for (const [index, [answer, wanted]] of cases.entries()) {
    const fresh = { ...request, id: IDS[0].slice(0, -2) + String(10 + index) };
    server.routes.set(`POST /v1/challenges/${fresh.id}/response`, answer);
    const found = await requests.answer(fresh, "approve", "047");
    if (wanted) assert.deepEqual(found, wanted);
    else assert.equal(found.kind, "refused");
  }
  const elsewhere = { ...request, id: `${IDS[0].slice(0, -2)}99` };
  server.routes.set(`POST /v1/challenges/${elsewhere.id}/response`,
    () => problem(409, "already-decided", { state: "redeemed" }));
  assert.deepEqual(await requests.answer(elsewhere, "deny", null), { kind: "over", state: "approved" });
});

test("an approval whose answer was lost may be given again", async () => {
  const account = await enrolled();
  const request = await waiting(account, IDS[1]);
  const path = `POST /v1/challenges/${IDS[1]}/response`;
  server.routes.set(path, lost);
  assert.deepEqual(await requests.answer(request, "approve", "047"), { kind: "offline" });
  server.routes.set(path, () => problem(409, "already-decided", { state: "redeemed" }));
  assert.deepEqual(await requests.answer(request, "approve", "047"), { kind: "approved" });
  assert.deepEqual(await requests.answer(request, "approve", "047"), { kind: "approved" });
  for (const decision of ["deny", "report"]) {
    assert.deepEqual(await requests.answer(request, decision, null), { kind: "over", state: "approved", mine: true });
  }
});

test("notices are checked, and those that were seen are known", async () => {
  const account = await enrolled();
  const claims = { iss: server.issuer, aud: DEVICE, sub: "ada", jti: IDS[0], iat: 7, kind: "no-page", gateway: "r" };
  const notice = await server.sign("gatematch-notice+jwt", claims);
  const newer = await server.sign("gatematch-notice+jwt", { ...claims, jti: IDS[1], iat: 8, gateway: null });
  const others = await Promise.all([{ aud: IDS[0] }, { sub: "eve" }, { iss: "https://evil.example" }].map(
    (changed) => server.sign("gatematch-notice+jwt", { ...claims, ...changed })));
  const items = [...others.map((one) => ({ id: IDS[0], notice: one })),
    { id: IDS[0], notice }, { id: IDS[1], notice: newer }, { id: IDS[1], notice }, { id: IDS[0],
    notice: await server.sign("gatematch-challenge+jwt", claims) }];
  server.routes.set("GET /v1/devices/self/notices", () => ({ items }));
  await notices.markSeen(account, [IDS[0]]);
  const found = await notices.notices(account);
  const wanted = [[IDS[1], 8000, false], [IDS[0], 7000, true]];
  assert.deepEqual(found.map(({ id, at: time, seen }) => [id, time, seen]), wanted);
});

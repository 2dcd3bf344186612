// Runs the protocol's vectors (protocol/vectors) through the modules of the phone. Uses nothing but what browsers and
// Node have in common, so that the same cases are judged by either's WebCrypto.

/** The files that concern the phone, without `.json`. */
export const FILES = [
  "base64url", "json", "id", "jwk", "thumbprint", "signature", "proof", "challenge", "response", "worked-example",
];
/** The modules that `run` needs, without `.js`. */
export const MODULES = ["base64url", "json", "claims", "jwk", "jws", "proof", "challenge", "response"];

/**
 * All that it needs is inside, so that a browser can be handed its text.
 * @param {Record<string, any>} vectors the parsed files, by the names in `FILES`
 * @param {Record<string, any>} modules by the names in `MODULES`
 * @returns {Promise<string[]>} what is wrong; it is wrong too where hardly any case was there to judge
 */
export async function run(vectors, modules) {
  const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const sorted = (value) => JSON.stringify(value, (_, inner) => inner !== null && inner.constructor === Object
    ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner);
  const differ = (what, found, wanted) => found === wanted ? null : `${what} is ${found}, not ${wanted}`;

  /** What `work` comes to: `accept`, or how it failed. */
  async function verdictOf(work) {
    try {
      await work();
      return "accept";
    } catch (error) {
      if (error instanceof SyntaxError) return "malformed";
      if (error.name === "Unbelievable") return error.kind;
      throw error;
    }
  }

  /** For each file: null where a case is judged as it should be, undefined where it says nothing about a phone. */
  const JUDGES = {
    async base64url({ text, hex, verdict }, { base64url }) {
      const found = await verdictOf(() => base64url.decode(text));
      if (found !== verdict || verdict !== "accept") return differ("verdict", found, verdict);
      const bytes = base64url.decode(text);
      return differ("hex", hexOf(bytes), hex) ?? differ("text", base64url.encode(bytes), text);
    },

    async json({ hex, text, verdict }, { json }) {
      const found = await verdictOf(() => json.parse(bytesOf(hex)));
      if (found !== verdict || verdict !== "accept") return differ("verdict", found, verdict);
      return differ("value", JSON.stringify(json.parse(bytesOf(hex))), JSON.stringify(JSON.parse(text)));
    },

    async id({ text, verdict }, { claims }) {
      return differ("verdict", claims.isId(text), verdict === "accept");
    },

    // Beside the key's own members the phone lets others stand, as the server's keys have some.
    async jwk({ jwk, sec1, verdict, name }, { jwk: keys, base64url }) {
      const more = ["a public parameter", "with x5c", "with an unknown member"];
      if (more.some((start) => name.startsWith(start))) return undefined;
      const found = await verdictOf(() => keys.importPublic(jwk));
      if (found !== "accept" || verdict !== "accept") return differ("sound", found === "accept", verdict === "accept");
      return differ("sec1", `04${hexOf(base64url.decode(jwk.x))}${hexOf(base64url.decode(jwk.y))}`, sec1);
    },

    async thumbprint({ jwk, thumbprint, verdict }, { jwk: keys }) {
      return differ("verdict", (await keys.thumbprint(jwk)) === thumbprint ? "accept" : "refuse", verdict);
    },

    async signature({ jws, jwk, verdict }, modules) {
      const found = await verdictOf(async () => {
        const parsed = modules.jws.parse(jws);
        if (!(await modules.jws.verify(parsed, jwk))) throw new modules.jws.Unbelievable("refuse", "does not hold");
      });
      return differ("verdict", found, verdict);
    },

    // The phone only sends proofs: what cannot be read, or is not signed, is none of what it sends.
    async proof({ proof, verdict }, modules) {
      if (verdict !== "accept") return undefined;
      const found = await verdictOf(() => modules.jws.parse(proof));
      if (found !== "accept") return differ("verdict", found, verdict);
      const parsed = modules.jws.parse(proof);
      return differ("signed", await modules.jws.verify(parsed, parsed.header.jwk), true);
    },

    async challenge({ challenge, issuer, device_id, server_keys, now, verdict, claims }, modules) {
      const serverKeys = modules.jwk.serverKeys(server_keys);
      const reader = { issuer, deviceId: device_id, serverKeys, now };
      const found = await verdictOf(() => modules.challenge.check(challenge, reader));
      if (found !== verdict || verdict !== "accept") return differ("verdict", found, verdict);
      const { app, client, exp, gateway, iat, jti, match, uv, context } = claims;
      const wanted = {
        id: jti, application: app, gateway, askedAt: iat, expiresAt: exp, digits: match?.digits ?? null,
        client: { name: client.name ?? null, ip: client.ip ?? null, location: client.location ?? null, pageIp: client.page_ip ?? null },
        uvRequired: uv === "required", context: context ?? {},
      };
      return differ("challenge", sorted(await modules.challenge.check(challenge, reader)), sorted(wanted));
    },

    // The phone only sends responses: the accepted ones that have just its members are made again, claim for claim.
    async response({ response: token, challenge, device_id, issuer, challenge_id, verdict }, modules) {
      if (verdict !== "accept") return undefined;
      const { header, claims } = modules.jws.parse(token);
      const known = ["iss", "aud", "jti", "iat", "challenge", "decision", "number", "uv"];
      if (claims.uv !== "none" || Object.keys(claims).some((name) => !known.includes(name))) return undefined;
      const request = { id: challenge_id, jws: challenge, digits: 3, account: { deviceId: device_id, issuer } };
      const made = await modules.response.claims(request, claims.decision, claims.number ?? null, claims.iat);
      return differ("header", header.kid, device_id) ?? differ("claims", sorted(made), sorted({ ...claims }));
    },
  };

  const importPrivate = (jwk) =>
    crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const utf8 = (bytes) => new TextDecoder().decode(bytes);
  const partOf = (token, index, { base64url }) => utf8(base64url.decode(token.split(".")[index]));

  /** The example's phone as an account, whose clock stands still at `now` seconds. */
  async function accountOf({ keys, inputs, jwks }, now) {
    return {
      deviceId: inputs.device, issuer: inputs.issuer, publicJwk: keys.phone.public_jwk, serverKeys: jwks.keys,
      keys: { privateKey: await importPrivate(keys.phone.private_jwk) }, clockOffset: 1000 * now - Date.now() + 500,
    };
  }

  const EXAMPLE = {
    async thumbprints({ keys }, { jwk }) {
      const found = await Promise.all([keys.phone, keys.server].map((key) => jwk.thumbprint(key.public_jwk)));
      return differ("thumbprints", found.join(), [keys.phone.thumbprint, keys.server.thumbprint].join());
    },

    async challenge({ tokens, inputs, jwks }, { challenge }) {
      const reader = { issuer: inputs.issuer, deviceId: inputs.device, serverKeys: jwks.keys, now: inputs.now };
      const read = await challenge.check(tokens.challenge.token, reader);
      return differ("id", read.id, inputs.challenge_id) ?? differ("digits", read.digits, 3);
    },

    // All but the random `jti` is the example's, byte for byte.
    async proofs(example, modules) {
      for (const [name, { method, path, header, payload }] of Object.entries(example.tokens)) {
        if (!name.startsWith("proof_")) continue;
        const { iat, jti } = JSON.parse(payload);
        const account = await accountOf(example, iat);
        const token = await modules.proof.make(account, method, path);
        const made = partOf(token, 1, modules);
        const fault = differ("header", partOf(token, 0, modules), header)
          ?? differ("payload", made.replace(JSON.parse(made).jti, jti), payload)
          ?? differ("signed", await modules.jws.verify(modules.jws.parse(token), account.publicJwk), true)
          ?? differ("length of jti", JSON.parse(made).jti.length, 22);
        if (fault) return `${name}: ${fault}`;
      }
      return null;
    },

    // The example's phone has a fingerprint reader; this app says `none`.
    async response(example, modules) {
      const { tokens, inputs } = example;
      const account = await accountOf(example, inputs.now_at_response);
      const request = { id: inputs.challenge_id, jws: tokens.challenge.token, digits: 3, account };
      const token = await modules.response.make(request, "approve", inputs.number);
      const wanted = tokens.response.payload.replace('"uv":"biometric"', '"uv":"none"');
      return differ("header", partOf(token, 0, modules), tokens.response.header)
        ?? differ("payload", partOf(token, 1, modules), wanted)
        ?? differ("signed", await modules.jws.verify(modules.jws.parse(token), account.publicJwk), true);
    },

    async "no number on deny, on report, or unasked"({ inputs }, { response }) {
      const account = { deviceId: inputs.device, issuer: inputs.issuer };
      for (const [decision, digits] of [["deny", 3], ["report", 3], ["approve", null]]) {
        const request = { id: inputs.challenge_id, jws: "a.b.c", digits, account };
        const claims = await response.claims(request, decision, "047", 0);
        if ("number" in claims || claims.uv !== "none") return `${decision}: ${JSON.stringify(claims)}`;
      }
      return null;
    },
  };

  const faults = [];
  let cases = 0;
  const note = async (name, work) => {
    const fault = await work().catch((error) => `threw ${error.stack}`);
    if (fault !== undefined) cases += 1;
    if (fault) faults.push(`${name}: ${fault}`);
  };
  for (const [file, judge] of Object.entries(JUDGES)) {
    const { cases: all, ...common } = vectors[file];
    for (const one of all) await note(`${file}: ${one.name} (${one.why})`, () => judge({ ...common, ...one }, modules));
  }
  for (const [name, check] of Object.entries(EXAMPLE)) {
    await note(`worked example: ${name}`, () => check(vectors["worked-example"], modules));
  }
  if (cases < 300) faults.push(`only ${cases} cases were judged`);
  return faults;
}

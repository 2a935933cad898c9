import assert from "node:assert/strict";
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { ManualClock } from "../../base/clock.ts";
import type { HeaderPair } from "../../http/head.ts";
import { HeaderList } from "../../http/server/messages.ts";
import { KeyAuthenticator } from "../authenticator.ts";
import { mayPoll } from "../invocation_id.ts";
import { readClaimRights } from "./claim_rights.ts";
import { IssuerKeys } from "./issuer_keys.ts";
import { TokenVerifier } from "./token_verifier.ts";

const issuer = "https://idp.example/realms/edge";
const pairs = new Map<string, Awaited<ReturnType<typeof generateKeyPair>>>();
for (const alg of ["RS256", "ES256", "EdDSA"]) {
  pairs.set(alg, await generateKeyPair(alg, { extractable: true }));
}
const start = 1_700_000_000_000;

/** A node that accepts tokens, and has a public function `open`. */
async function setUp() {
  const clock = new ManualClock();
  clock.advance(start);
  let kids = ["RS256", "ES256", "EdDSA"];
  const source = {
    location: "keys.json",
    intervalMs: 1e9,
    coolDownMs: 0,
    read: async () =>
      JSON.stringify({
        keys: await Promise.all(kids.map(async (kid) => ({
          ...await exportJWK(pairs.get(kid)!.publicKey),
          kid,
        }))),
      }),
  };
  const keys = new IssuerKeys(source, clock);
  await keys.refresh();
  const tokens = new TokenVerifier({
    issuer,
    audience: "edge",
    wall: () => clock.wall(),
    keys,
    rights: readClaimRights([
      { claim: "groups", value: "ops", role: "admin" },
      { claim: "groups", value: "cam", role: "invoker", functions: ["camera-*"], concurrency: 1 },
    ]),
  });
  const access = new KeyAuthenticator({
    keys: { list: () => [], size: 0, onChange: () => ({ [Symbol.dispose]() {} }) },
    clock,
    required: "always",
    tokens,
    isPublic: (name) => name === "open",
  });
  return {
    clock,
    keys,
    /** Sets the algorithms whose keys the issuer publishes. */
    publish(...published: string[]) {
      kids = published;
      return keys.refresh();
    },
    client: async (token: string, client = "10.0.0.9") => {
      const header: HeaderPair = ["authorization", `Bearer ${token}`];
      return await access.authenticate({ headers: new HeaderList([header]), client });
    },
    [Symbol.dispose]() {
      access[Symbol.dispose]();
      keys[Symbol.dispose]();
    },
  };
}

/** Signs a token that is valid for five minutes, with changed claims. */
function sign(alg: string, claims: JWTPayload = {}, kid = alg): Promise<string> {
  const now = start / 1000;
  const payload = {
    iss: issuer,
    aud: "edge",
    sub: "alice",
    exp: now + 300,
    groups: ["cam"],
    ...claims,
  };
  return new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(pairs.get(alg)!.privateKey);
}

Deno.test("tokens: each kind of signature gives the rights of the claims", async () => {
  using node = await setUp();
  for (const alg of pairs.keys()) {
    const client = await node.client(await sign(alg));
    assert.equal(client.grant?.name, "alice@idp.example");
    assert(client.may("invoke", "camera-1"));
    assert(!client.may("deploy", "camera-1"));
    assert.throws(() => client.require("invoke", "other"), {
      code: "FORBIDDEN",
      message:
        /The token of "alice@idp\.example" \(role invoker, functions camera-\*\) may not invoke/,
    });
    assert((await node.client(await sign(alg, { groups: ["ops"] }))).may("admin"));
  }
});

Deno.test("tokens: what is not right with a token is refused with the reason", async () => {
  using node = await setUp();
  const now = start / 1000;
  const cases: [JWTPayload, RegExp][] = [
    [{ exp: now - 31 }, /has expired, 31 s ago/],
    [{ nbf: now + 31 }, /not valid yet/],
    [{ aud: "other" }, /another audience/],
    [{ aud: undefined }, /another audience/],
    [{ exp: undefined }, /does not expire/],
    [{ sub: undefined }, /no subject/],
    [{ sub: "a\nb" }, /subject \(sub\) of the token cannot be used/],
    [{ pad: "x".repeat(8192) }, /longer than 8192/],
  ];
  for (const [claims, message] of cases) {
    await assert.rejects(sign("ES256", claims).then((token) => node.client(token, "10.0.0.1")), {
      code: "UNAUTHORIZED",
      message,
    });
  }
  for (const claims of [{ exp: now - 29 }, { nbf: now + 29 }, { aud: ["other", "edge"] }]) {
    assert((await node.client(await sign("ES256", claims))).may("invoke", "camera-1"));
  }
});

Deno.test("tokens: only signatures of the issuer's keys count", async () => {
  using node = await setUp();
  const refused = async (token: string, message: RegExp) =>
    await assert.rejects(node.client(token), { code: "UNAUTHORIZED", message });
  const good = await sign("RS256");
  const [head, , signature] = good.split(".");
  const forged = (await sign("RS256", { groups: ["ops"] })).split(".")[1];
  await refused(`${head}.${forged}.${signature}`, /signature of the token is invalid/);
  const payload = {
    iss: issuer,
    aud: "edge",
    sub: "alice",
    groups: ["ops"],
    exp: start / 1000 + 9,
  };
  await refused(new UnsecuredJWT(payload).encode(), /algorithm/);
  const publicPem = new TextEncoder().encode(await exportSPKI(pairs.get("RS256")!.publicKey));
  const confused = await new SignJWT(payload).setProtectedHeader({ alg: "HS256", kid: "RS256" })
    .sign(publicPem);
  await refused(confused, /algorithm/);
  await refused(await sign("ES256", {}, "RS256"), /no key for the token/);
  const { privateKey } = await generateKeyPair("RS256");
  const other = await new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: "RS256" })
    .sign(privateKey);
  await refused(other, /signature of the token is invalid/);
});

Deno.test("tokens: a token of another issuer may be one of a public function", async () => {
  using node = await setUp();
  for (const token of [await sign("ES256", { iss: "https://other" }), "eyJ9.e30.x"]) {
    const client = await node.client(token);
    assert(client.may("invoke", "open"));
    assert.equal(client.keyId, "");
    assert.throws(() => client.require("view"), {
      code: "UNAUTHORIZED",
      message: /not one of https/,
    });
  }
});

Deno.test("tokens: a subject without a row has no rights", async () => {
  using node = await setUp();
  const client = await node.client(await sign("ES256", { groups: [] }));
  assert(client.may("invoke", "open"));
  assert.throws(() => client.require("view"), {
    code: "FORBIDDEN",
    message: /no row of api\.tokens\.rights/,
  });
});

Deno.test("tokens: a verified header is found at once until it expires or the keys change", async () => {
  using node = await setUp();
  const token = await sign("ES256");
  const client = await node.client(token);
  assert.equal(await node.client(token), client);
  await node.publish("RS256");
  await assert.rejects(node.client(token), { message: /no key/ });
  await node.publish("ES256");
  assert((await node.client(token)).may("invoke", "camera-1"));
  node.clock.advance(330_000);
  await assert.rejects(node.client(token), { message: /has expired/ });
});

Deno.test("tokens: a subject has its own quotas and results, with any of its tokens", async () => {
  using node = await setUp();
  const alice = await node.client(await sign("ES256"));
  const again = await node.client(await sign("RS256"));
  const bob = await node.client(await sign("ES256", { sub: "bob" }));
  using _busy = alice.meter!.begin(1);
  assert.throws(() => again.meter!.begin(1), {
    code: "QUOTA_EXCEEDED",
    message: /concurrency quota of token of "alice@idp\.example"/,
  });
  bob.meter!.begin(1)[Symbol.dispose]();
  const id = `camera-1-${"0".repeat(32)}.${alice.keyId}`;
  assert(mayPoll(again, id));
  assert(!mayPoll(bob, id));
});

Deno.test("tokens: many invalid tokens of one address are slowed down, valid ones never", async () => {
  using node = await setUp();
  const invalid = await sign("ES256", { aud: "other" });
  const codes: string[] = [];
  for (let i = 0; i < 21; i++) {
    await node.client(invalid).catch(({ code }) => codes.push(code));
  }
  assert.deepEqual([codes.at(-2), codes.at(-1)], ["UNAUTHORIZED", "QUOTA_EXCEEDED"]);
  assert((await node.client(await sign("ES256"))).may("invoke", "camera-1"));
});

import assert from "node:assert/strict";
import { exportJWK, generateKeyPair } from "jose";
import { ManualClock } from "../../base/clock.ts";
import { IssuerKeys } from "./issuer_keys.ts";
import type { KeySource } from "./key_source.ts";

const { publicKey } = await generateKeyPair("EdDSA", { extractable: true });
const jwk = await exportJWK(publicKey);

/** Keys from a source that a test controls. */
function setUp(...kids: string[]) {
  const clock = new ManualClock();
  const source = {
    location: "https://idp.example/keys",
    intervalMs: 300_000,
    coolDownMs: 10_000,
    kids,
    reads: 0,
    /** Pending response; undefined: at once. */
    gate: undefined as Promise<void> | undefined,
    isAway: false,
    async read(): Promise<string> {
      source.reads++;
      await source.gate;
      if (source.isAway) throw new Error("connection refused");
      return JSON.stringify({ keys: source.kids.map((kid) => ({ ...jwk, kid, alg: "EdDSA" })) });
    },
  } satisfies KeySource & Record<string, unknown>;
  const keys = new IssuerKeys(source, clock);
  const find = (kid: string) =>
    keys.find({ alg: "EdDSA", kid }, { payload: "", signature: "" }) as Promise<unknown>;
  return { clock, source, keys, find, [Symbol.dispose]: () => keys[Symbol.dispose]() };
}

Deno.test("IssuerKeys: a key that was added is read for the first token with it", async () => {
  using node = setUp("a");
  await node.find("a");
  node.source.kids.push("b");
  node.clock.advance(10_000);
  await node.find("b");
  assert.equal(node.source.reads, 2);
});

Deno.test("IssuerKeys: tokens with unknown keys cause no more than one read in the cool-down", async () => {
  using node = setUp("a");
  await node.find("a");
  node.clock.advance(10_000);
  const unknown = ["x", "y", "z"].map((kid) =>
    assert.rejects(node.find(kid), { code: "ERR_JWKS_NO_MATCHING_KEY" })
  );
  await Promise.all(unknown);
  await assert.rejects(node.find("w"), { code: "ERR_JWKS_NO_MATCHING_KEY" });
  assert.equal(node.source.reads, 2);
});

Deno.test("IssuerKeys: known keys stay valid, and their tokens do not wait, while the source is away", async () => {
  using node = setUp("a");
  await node.find("a");
  const { promise, resolve } = Promise.withResolvers<void>();
  node.source.gate = promise;
  node.clock.advance(300_000);
  const waiting = node.find("b");
  await node.find("a");
  node.source.isAway = true;
  resolve();
  await assert.rejects(waiting, { code: "ISSUER_UNAVAILABLE" });
  assert.match(node.keys.problem!, /https:\/\/idp\.example\/keys: connection refused/);
  await node.find("a");
  assert.equal(node.source.reads, 2);
});

Deno.test("IssuerKeys: reads again soon after a failure, and then at intervals", async () => {
  using node = setUp("a");
  node.source.isAway = true;
  await assert.rejects(node.find("a"), { code: "ISSUER_UNAVAILABLE" });
  node.source.isAway = false;
  node.clock.advance(15_000);
  await node.keys.refresh();
  assert.equal(node.keys.problem, undefined);
  await node.find("a");
  assert.equal(node.source.reads, 2);
  node.clock.advance(299_999);
  assert.equal(node.source.reads, 2);
  node.clock.advance(1);
  assert.equal(node.source.reads, 3);
});

Deno.test("IssuerKeys: reports changes only, and keeps the former keys instead of a damaged set", async () => {
  using node = setUp("a");
  let changes = 0;
  using _ = node.keys.onChange(() => changes++);
  await node.keys.refresh();
  await node.keys.refresh();
  assert.equal(changes, 1);
  const { read } = node.source;
  node.source.read = () => Promise.resolve("<html>");
  for (let i = 0; i < 2; i++) {
    await node.keys.refresh();
    assert.match(node.keys.problem!, /malformed/);
  }
  await node.find("a");
  node.source.read = read;
  node.source.kids = ["b"];
  await node.keys.refresh();
  assert.equal(changes, 2);
  await assert.rejects(node.find("a"), { code: "ERR_JWKS_NO_MATCHING_KEY" });
});

import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import type { HeaderPair } from "../http/head.ts";
import { HeaderList } from "../http/server/messages.ts";
import { openSqlite } from "../registry/local/registry.ts";
import { RecordTable } from "../registry/record_table.ts";
import { type Credentials, KeyAuthenticator } from "./authenticator.ts";
import { mayPoll } from "./invocation_id.ts";
import {
  formatKey,
  type Grant,
  keyKind,
  type KeyRecord,
  type NewSecret,
  newSecret,
  unlimitedGrant,
} from "./key.ts";
import { KeyService } from "./key_service.ts";
import { anyone, type Principal } from "./principal.ts";
import { matches } from "./role.ts";

function grant(name: string, more: Partial<Grant> = {}): Grant {
  return { ...unlimitedGrant(name, "invoker"), ...more };
}

function request(key?: string, more: Partial<Credentials> = {}): Credentials {
  const pairs: HeaderPair[] = key === undefined ? [] : [["authorization", `Bearer ${key}`]];
  return { headers: new HeaderList(pairs), client: "10.0.0.9", ...more };
}

/** A node with the function `open` that anyone may invoke. */
async function setUp(required: "always" | "withKeys" = "withKeys") {
  const stack = new AsyncDisposableStack();
  const clock = new ManualClock();
  const registry = stack.use(openSqlite(":memory:"));
  const table = stack.use(await RecordTable.open(keyKind, registry));
  const keys = new KeyService(registry.collection(keyKind), table, clock);
  const isPublic = (name: string) => name === "open";
  const access = stack.use(new KeyAuthenticator({ keys: table, clock, required, isPublic }));
  /** Creates a key of an admin, which has to be the first one. */
  const seed = () => keys.create(grant("seed", { role: "admin" }));
  return {
    clock,
    keys,
    seed,
    access,
    client: (key?: string, more?: Partial<Credentials>) =>
      access.authenticate(request(key, more)) as Principal,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("matches: `*` stands for any characters, also none", () => {
  const cases: [string, string, boolean][] = [
    ["*", "any", true],
    ["camera-*", "camera-1", true],
    ["camera-*", "camera-", true],
    ["camera-*", "my-camera-1", false],
    ["*-prod", "a-prod", true],
    ["a*b*c", "a1b2c", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "acb", false],
    ["ab*ba", "aba", false],
    ["a.c", "abc", false],
    ["hello", "hello", true],
    ["hello", "hello2", false],
  ];
  for (const [pattern, name, expected] of cases) {
    assert.equal(matches(pattern, name), expected, `${pattern} ${name}`);
  }
});

Deno.test("access: without keys anyone may do anything, unless keys are always required", async () => {
  await using node = await setUp();
  assert.equal(node.client(), anyone);
  await using strict = await setUp("always");
  assert.throws(() => strict.client().require("view"), { code: "UNAUTHORIZED" });
});

Deno.test("access: each role permits its actions, on the functions of its patterns", async () => {
  await using node = await setUp();
  await node.seed();
  const permitted: Record<Grant["role"], string> = {
    admin: "view invoke deploy admin",
    deployer: "view invoke deploy",
    invoker: "invoke",
    viewer: "view",
  };
  for (const role of Object.keys(permitted) as Grant["role"][]) {
    const { key } = await node.keys.create(grant(role, { role, functions: ["camera-*"] }));
    const client = node.client(key);
    const may = (["view", "invoke", "deploy", "admin"] as const)
      .filter((action) => client.may(action, "camera-1")).join(" ");
    assert.equal(may, permitted[role]);
    assert.equal(client.may("invoke", "other"), role === "admin", role);
  }
});

Deno.test("access: a refusal names key and right, and depends on the name only", async () => {
  await using node = await setUp();
  await node.seed();
  const { key } = await node.keys.create(grant("cam", { functions: ["camera-*"] }));
  for (const name of ["exists", "does-not"]) {
    assert.throws(() => node.client(key).require("invoke", name), {
      code: "FORBIDDEN",
      message:
        `The key "cam" (role invoker, functions camera-*) may not invoke functions named "${name}": ` +
        "ask an admin for a key that may",
    });
  }
});

Deno.test("access: a public function can be invoked by anyone, and nothing else", async () => {
  await using node = await setUp();
  await node.seed();
  const { key } = await node.keys.create(grant("cam", { functions: ["camera-*"] }));
  for (const client of [node.client(), node.client(key), node.client("token-of-the-function")]) {
    assert(client.may("invoke", "open"));
    assert(!client.may("view", "open"));
    assert(!client.may("invoke", "hidden"));
  }
});

Deno.test("access: a request with several credentials is refused, whichever comes first", async () => {
  await using node = await setUp();
  const admin = await node.seed();
  const { key } = await node.keys.create(grant("cam"));
  const client = (...values: string[]) => {
    const headers = new HeaderList(values.map((value): HeaderPair => ["authorization", value]));
    return node.access.authenticate({ headers, client: "10.0.0.9" }) as Principal;
  };
  const valid = [admin.key, key].map((each) => `Bearer ${each}`) as [string, string];
  const [one, other] = valid;
  assert(client(one).may("admin") && client(other).may("invoke", "f"));
  const several = { code: "UNAUTHORIZED", message: /more than one credential/ };
  for (
    const values of [
      [one, other],
      [other, one],
      [one, one],
      [`${one}, ${other}`],
      ["Basic eDp5", one],
      [one, "Basic eDp5"],
      ["bearer eyJ.eyJ.x", one],
    ]
  ) {
    assert.throws(() => client(...values), several, values.join(" | "));
  }
  for (const own of ['Digest username="a", uri="/"', "Bearer a,b", "Basic eDp5"]) {
    assert(client(own).may("invoke", "open"), own);
  }
});

Deno.test("access: invalid, revoked and expired keys are refused", async () => {
  await using node = await setUp();
  await node.seed();
  const { key, id } = await node.keys.create(grant("a", { expires: node.clock.wall() + 1000 }));
  await node.keys.create(grant("b"));
  assert(node.client(key).may("invoke", "f"));
  const other = key.replace(/.$/, (last) => last === "0" ? "1" : "0");
  for (const bad of [other, `sl_${id}_`, "sl_", key.toUpperCase()]) {
    assert.throws(() => node.client(bad).require("invoke", "f"), { code: "UNAUTHORIZED" }, bad);
  }
  node.clock.advance(1000);
  assert.throws(() => node.client(key), { code: "UNAUTHORIZED", message: /"a" has expired/ });
  const { key: fresh } = await node.keys.create(grant("c"));
  assert(node.client(fresh).may("invoke", "f"));
  await node.keys.revoke("c", false);
  assert.throws(() => node.client(fresh), { code: "UNAUTHORIZED", message: /not valid/ });
});

Deno.test("access: after a rotation both keys are valid for a while", async () => {
  await using node = await setUp();
  await node.seed();
  const former = await node.keys.create(grant("a"));
  assert(node.client(former.key).may("invoke", "f"));
  const fresh = await node.keys.rotate("a", 5000, false);
  for (const { key } of [former, fresh]) assert(node.client(key).may("invoke", "f"));
  node.clock.advance(5000);
  assert.equal(node.client(fresh.key), node.client(fresh.key), "it is remembered again");
  assert.throws(() => node.client(former.key), { code: "UNAUTHORIZED" });
});

Deno.test("access: a name is unique, and the last key of an admin is revoked only by force", async () => {
  await using node = await setUp();
  await assert.rejects(node.keys.create(grant("a")), { code: "FORBIDDEN", message: /admin first/ });
  await node.keys.create(grant("a", { role: "admin" }));
  await assert.rejects(node.keys.create(grant("a")), { code: "KEY_EXISTS" });
  await assert.rejects(node.keys.rotate("b", 0, false), { code: "KEY_UNKNOWN" });
  await assert.rejects(node.keys.revoke("a", false), { code: "FORBIDDEN" });
  await node.keys.create(grant("b", { role: "admin" }));
  await node.keys.revoke("a", false);
  await node.keys.revoke("b", true);
  assert.deepEqual(node.keys.list(), []);
});

Deno.test("access: nodes of the cluster need no key, clients of a balancer do", async () => {
  await using node = await setUp("always");
  const member = node.client(undefined, { peer: { id: "n2", forClient: false } });
  assert(member.may("invoke", "f"));
  assert.throws(() => member.require("admin"), { code: "FORBIDDEN" });
  const viaBalancer = node.client(undefined, { peer: { id: "lb", forClient: true } });
  assert(!viaBalancer.may("invoke", "f"));
});

Deno.test("access: an address that tries keys is slowed down, others are not", async () => {
  await using node = await setUp("always");
  await node.seed();
  const { key } = await node.keys.create(grant("a"));
  const guess = `sl_aaaaaaaaaaaa_${"0".repeat(64)}`;
  for (let i = 0; i < 20; i++) {
    assert.throws(() => node.client(guess), { code: "UNAUTHORIZED" });
  }
  assert.throws(() => node.client(guess), { code: "QUOTA_EXCEEDED" });
  assert.throws(() => node.client(guess, { client: "10.0.0.8" }), { code: "UNAUTHORIZED" });
  assert(node.client(key).may("invoke", "f"), "a valid key of the same address");
  node.clock.advance(1000);
  assert.throws(() => node.client(guess), { code: "UNAUTHORIZED" });
});

Deno.test("access: the secrets of a rotated key have one meter, also after idle ones were removed", () => {
  const [current, former, others] = [newSecret(), newSecret(), newSecret()];
  const idOf = (i: number) => String(i).padStart(12, "0");
  const records = Array.from({ length: 10_002 }, (_, i): KeyRecord => ({
    ...grant(`k${i}`, { concurrency: 1 }),
    id: idOf(i),
    created: 0,
    hash: i === 0 ? current.hash : others.hash,
    ...(i === 0 && { formerHash: former.hash, formerUntil: 1000 }),
  }));
  const keys = { list: () => records, size: records.length, onChange: () => new DisposableStack() };
  const options = { clock: new ManualClock(), required: "always", isPublic: () => false } as const;
  using access = new KeyAuthenticator({ keys, ...options });
  const meterOf = (i: number, { secret }: NewSecret) =>
    (access.authenticate(request(formatKey(idOf(i), secret))) as Principal).meter;
  assert(meterOf(0, current));
  for (let i = 1; i < records.length; i++) meterOf(i, others);
  assert.equal(meterOf(0, former), meterOf(0, current));
});

Deno.test("mayPoll: only the key that made an invocation, or an admin", async () => {
  await using node = await setUp();
  await node.seed();
  const mine = await node.keys.create(grant("mine"));
  const other = await node.keys.create(grant("other"));
  const admin = await node.keys.create(grant("admin", { role: "admin" }));
  const random = "0123456789abcdef".repeat(2);
  const id = `f-${random}.${mine.id}`;
  const may = (key?: string, of = id) => mayPoll(node.client(key), of);
  assert.deepEqual([may(mine.key), may(other.key), may(admin.key), may()], [
    true,
    false,
    true,
    false,
  ]);
  // Without a key: any client that may invoke the function.
  assert(may(other.key, `f-${random}`));
  assert(may(undefined, `open-${random}`));
  assert(!may(undefined, `f-${random}`));
});

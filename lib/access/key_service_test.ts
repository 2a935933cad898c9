import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import { HeaderList } from "../http/server/messages.ts";
import { openSqlite } from "../registry/local/registry.ts";
import { RecordTable } from "../registry/record_table.ts";
import { KeyAuthenticator } from "./authenticator.ts";
import { createFirstKey } from "./first_key.ts";
import { type Grant, keyKind, type KeyRecord, unlimitedGrant } from "./key.ts";
import { KeyService } from "./key_service.ts";
import type { Principal } from "./principal.ts";

function grant(name: string, role: Grant["role"], expires = 0): Grant {
  return { ...unlimitedGrant(name, role), expires };
}

/** A record that no schema reads. */
function unreadable(name: string): KeyRecord {
  return { ...grant(name, "admin"), id: "k".repeat(12), created: 0, hash: "" };
}

/** Keys of a node on loopback whose registry has unreadable records. */
async function setUp(...damaged: string[]) {
  const stack = new AsyncDisposableStack();
  const clock = new ManualClock();
  const registry = stack.use(openSqlite(":memory:"));
  const collection = registry.collection(keyKind);
  for (const name of damaged) await collection.put(unreadable(name));
  const table = stack.use(await RecordTable.open(keyKind, registry));
  const keys = new KeyService(collection, table, clock);
  const isPublic = () => false;
  const access = stack.use(
    new KeyAuthenticator({ keys: table, clock, required: "withKeys", isPublic }),
  );
  const init = (name: string, force = false) =>
    createFirstKey(
      {
        keys: keys.list(),
        damaged: keys.damaged().map(({ id }) => id),
        create: (grant) => keys.create(grant),
        revoke: (name) => keys.revoke(name, true),
      },
      name,
      force,
      clock.wall(),
    );
  const permits = (key?: string) => {
    const pairs = key === undefined ? [] : [["authorization", `Bearer ${key}`] as const];
    const headers = new HeaderList(pairs);
    return (access.authenticate({ headers, client: "10.0.0.9" }) as Principal).may("admin");
  };
  return {
    clock,
    keys,
    access,
    init,
    permits,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("access: a node does not open to anyone when its last key is revoked", async () => {
  await using node = await setUp();
  assert(node.permits(), "it is open without keys");
  const { key } = await node.keys.create(grant("a", "admin"));
  assert(node.permits(key));
  await node.keys.revoke("a", true);
  assert.deepEqual([node.access.isRequired, node.permits()], [true, false]);
});

Deno.test("access: a key whose record is unreadable counts, and can be revoked", async () => {
  await using node = await setUp("bad");
  assert.deepEqual([node.access.isRequired, node.permits()], [true, false]);
  assert.deepEqual(node.keys.damaged().map(({ id }) => id), ["bad"]);
  await assert.rejects(node.keys.create(grant("bad", "admin")), {
    code: "KEY_EXISTS",
    message: /unreadable: revoke it/,
  });
  await assert.rejects(node.keys.rotate("bad", 0, false), {
    code: "KEY_UNKNOWN",
    message: /unreadable: revoke it/,
  });
  await node.keys.revoke("bad", false);
  assert.deepEqual(node.keys.damaged(), []);
  await assert.rejects(node.keys.revoke("bad", false), { code: "KEY_UNKNOWN" });
  await node.keys.create(grant("bad", "admin"));
});

Deno.test("KeyService: only a valid key of an admin counts as the last one", async () => {
  await using node = await setUp();
  await node.keys.create(grant("old", "admin", node.clock.wall() + 1000));
  await node.keys.create(grant("view", "viewer"));
  await assert.rejects(node.keys.revoke("old", false), { code: "FORBIDDEN", message: /--force/ });
  await node.keys.revoke("view", false);
  node.clock.advance(1000);
  await assert.rejects(node.keys.create(grant("view", "viewer")), { code: "FORBIDDEN" });
  await node.keys.revoke("old", false);
});

Deno.test("KeyService: with tokens of an identity provider, admins need no key", async () => {
  await using registry = openSqlite(":memory:");
  using table = await RecordTable.open(keyKind, registry);
  const keys = new KeyService(registry.collection(keyKind), table, new ManualClock(), true);
  await keys.create(grant("view", "viewer"));
  await keys.create(grant("root", "admin"));
  await keys.revoke("root", false);
});

Deno.test("KeyService: expired keys and keys in an overlap are not rotated", async () => {
  await using node = await setUp();
  const expires = node.clock.wall() + 10_000;
  const first = await node.keys.create(grant("a", "admin", expires));
  const second = await node.keys.rotate("a", 5000, false);
  await assert.rejects(node.keys.rotate("a", 5000, false), {
    code: "FORBIDDEN",
    message: /valid until .*--force/,
  });
  assert(node.permits(first.key), "the former key is valid as promised");
  const third = await node.keys.rotate("a", 1000, true);
  assert.throws(() => node.permits(first.key), { code: "UNAUTHORIZED" });
  assert(node.permits(second.key) && node.permits(third.key));
  node.clock.advance(1000);
  const { key } = await node.keys.rotate("a", 0, false);
  assert(node.permits(key));
  node.clock.advance(9000);
  await assert.rejects(node.keys.rotate("a", 0, true), {
    code: "FORBIDDEN",
    message: /expired at .*: revoke it/,
  });
});

Deno.test("createFirstKey: refuses a name that makes the key unreadable", async () => {
  await using node = await setUp();
  for (const name of ["", "a b", "a@b", "x".repeat(65)]) {
    await assert.rejects(node.init(name), { code: "INVALID_REQUEST", message: /^Name: / }, name);
  }
  assert.deepEqual([node.keys.list(), node.keys.damaged()], [[], []]);
});

Deno.test("createFirstKey: replaces an expired or unreadable key with its name, and no valid one", async () => {
  await using node = await setUp("broken");
  await node.init("broken");
  await node.keys.create(grant("view", "viewer"));
  await node.keys.create(grant("admin", "admin", node.clock.wall() + 1000));
  await assert.rejects(node.init("other"), {
    code: "KEY_EXISTS",
    message: /admin, broken.*--force/,
  });
  await assert.rejects(node.init("view", true), { code: "KEY_EXISTS", message: /--name/ });
  await node.keys.revoke("broken", false);
  node.clock.advance(1000);
  const { key } = await node.init("admin");
  assert(node.permits(key));
  await node.init("second", true);
});

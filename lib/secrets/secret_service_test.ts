import assert from "node:assert/strict";
import { systemClock } from "../base/clock.ts";
import { openSqlite } from "../registry/local/registry.ts";
import { RecordTable } from "../registry/record_table.ts";
import { KeyRing } from "./key_ring.ts";
import { secretKind } from "./record.ts";
import { SecretService } from "./secret_service.ts";

const keyOf = (byte: number) => new Uint8Array(32).fill(byte).toBase64();
const bytes = (text: string) => new TextEncoder().encode(text);
const admin = { may: () => true };
const deployer = { may: (action: string) => action !== "admin" };

/** A service on a registry in memory, whose nodes may have other keys. */
async function world(functions: { name: string; secrets: string[] }[] = []) {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(openSqlite(":memory:"));
  const table = stack.use(await RecordTable.open(secretKind, registry));
  const collection = registry.collection(secretKind);
  const withKeys = (setting: string) =>
    new SecretService({
      collection,
      table,
      keys: new KeyRing({ setting, file: "/nonexistent/key", mayCreate: false }),
      functions: () => functions,
      clock: systemClock,
    });
  const service = withKeys(keyOf(1));
  const set = (name: string, text: string, patterns?: string[], restart = false) =>
    service.set(name, { value: bytes(text), functions: patterns, restart });
  return {
    service,
    withKeys,
    table,
    collection,
    set,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("SecretService: gives an instance its secrets as variables and files", async () => {
  await using secrets = await world();
  await secrets.set("A", "α\n");
  await secrets.service.set("b", { value: Uint8Array.of(0, 255), restart: false });
  const { service } = secrets;
  const got = await service.forInstance({
    name: "f",
    secrets: ["A", "A=X", "b=/run/secrets/b.bin"],
  });
  assert.deepEqual(got, {
    variables: { A: "α\n", X: "α\n" },
    files: { "b.bin": Uint8Array.of(0, 255) },
  });
  assert.equal(await service.forInstance({ name: "f", secrets: [] }), undefined);
});

Deno.test("SecretService: a start without its secret fails with its name", async () => {
  await using secrets = await world();
  await secrets.set("A", "a", ["camera-*"]);
  await secrets.service.set("binary", { value: Uint8Array.of(255), restart: false });
  const { service } = secrets;
  const failing = async (service: SecretService, name: string, reference: string, why: RegExp) => {
    const start = service.forInstance({ name, secrets: [reference] });
    await assert.rejects(start, { code: "INSTANCE_START_FAILED", message: why });
  };
  await failing(service, "f", "missing", /secret "missing": it does not exist/);
  await failing(service, "f", "A", /secret "A": it is only for functions named camera-\*/);
  await failing(service, "f", "binary=B", /secret "binary": it is no text/);
  const other = secrets.withKeys(keyOf(2));
  await failing(other, "camera-1", "A", /secret "A": it is encrypted with the key [0-9a-f]{12}/);
  await failing(secrets.withKeys("/none"), "camera-1", "A", /secrets\.key: cannot read \/none/);
  await secrets.collection.put({ ...secrets.table.get("A")!, name: "B" });
  await failing(service, "camera-1", "B", /secret "B": its record .* was damaged or changed/);
});

Deno.test("SecretService: lists names, times and users, and no values", async () => {
  await using secrets = await world([
    { name: "f", secrets: ["A", "A=/run/secrets/a"] },
    { name: "g", secrets: ["A=X"] },
  ]);
  await secrets.set("A", "clear text");
  await secrets.set("B", "clear text", ["f"]);
  const listed = await secrets.service.list();
  assert.deepEqual(
    listed.map(({ name, functions, usedBy, readable }) => [name, functions, usedBy, readable]),
    [["A", [], ["f", "g"], true], ["B", ["f"], [], true]],
  );
  assert.equal((await secrets.withKeys(keyOf(2)).list())[0]!.readable, false);
});

Deno.test("SecretService: a secret keeps its functions and its creation when it is set again", async () => {
  await using secrets = await world();
  await secrets.set("A", "1", ["f"]);
  const { created, restarted } = secrets.table.get("A")!;
  await secrets.set("A", "2", undefined, true);
  const record = secrets.table.get("A")!;
  assert.deepEqual([record.created, record.functions], [created, ["f"]]);
  assert(restarted === 0 && record.restarted > 0);
  await secrets.set("A", "3", []);
  assert.deepEqual(secrets.table.get("A")!.functions, []);
  assert.equal(secrets.table.get("A")!.restarted, record.restarted);
});

Deno.test("SecretService: a node that does not know the current patterns yet does not restore former ones", async () => {
  await using secrets = await world();
  const { collection, table } = secrets;
  await secrets.set("A", "1");
  const former = table.get("A")!;
  await secrets.set("A", "2", ["camera-*"]);
  const setAt = async (isLate: (waits: number) => boolean) => {
    let waits = 0;
    const get = (id: string) => isLate(waits) ? former : table.get(id);
    const behind = {
      get,
      list: () => table.list(),
      damaged: [],
      until: () => Promise.resolve(void waits++),
    };
    const keys = new KeyRing({ setting: keyOf(1), file: "", mayCreate: false });
    const options = { collection, table: behind, keys, functions: () => [], clock: systemClock };
    await new SecretService(options).set("A", { value: bytes("3"), restart: false });
  };
  await setAt((waits) => waits === 0);
  assert.deepEqual(table.get("A")!.functions, ["camera-*"]);
  const { nonce } = table.get("A")!;
  await assert.rejects(setAt(() => true), { code: "UNPROCESSABLE", message: /set it again/ });
  assert.equal(table.get("A")!.nonce, nonce);
});

Deno.test("SecretService: a secret in use is deleted only by force", async () => {
  await using secrets = await world([{ name: "f", secrets: ["A"] }]);
  await secrets.set("A", "1");
  await assert.rejects(secrets.service.delete("A", false), {
    code: "SECRET_IN_USE",
    message: /used by f/,
  });
  await secrets.service.delete("A", true);
  assert.equal(secrets.table.get("A"), undefined);
  await assert.rejects(secrets.service.delete("A", true), { code: "SECRET_UNKNOWN" });
});

Deno.test("SecretService: rotation encrypts everything with the first key", async () => {
  await using secrets = await world();
  await secrets.set("A", "a");
  await secrets.set("B", "b");
  const both = secrets.withKeys(`${keyOf(2)} ${keyOf(1)}`);
  await assert.rejects(secrets.withKeys(keyOf(2)).rotate(), {
    code: "UNPROCESSABLE",
    message: /"A" again: it is encrypted with the key/,
  });
  const { keyId, secrets: count } = await both.rotate();
  assert.equal(count, 2);
  assert.deepEqual(secrets.table.list().map((record) => record.keyId), [keyId, keyId]);
  const only = secrets.withKeys(keyOf(2));
  const got = await only.forInstance({ name: "f", secrets: ["A", "B"] });
  assert.deepEqual(got?.variables, { A: "a", B: "b" });
});

Deno.test("SecretService: bounds the size of a secret", async () => {
  await using secrets = await world();
  const value = new Uint8Array(65_537);
  await assert.rejects(secrets.service.set("A", { value, restart: false }), {
    code: "PAYLOAD_TOO_LARGE",
  });
  await secrets.service.set("A", { value: value.subarray(1), restart: false });
});

Deno.test("SecretService: only an admin lets a function use a secret that is not for it by name", async () => {
  await using secrets = await world();
  await secrets.set("A", "a");
  await secrets.set("B", "b", ["camera-*"]);
  const { service } = secrets;
  const forbidden = { code: "FORBIDDEN", message: /is not for a function named/ };
  service.requireUsable(admin, "f", ["A"]);
  service.requireUsable(admin, "camera-1", ["A=X", "B=/run/secrets/b"]);
  service.requireUsable(deployer, "camera-1", ["B"]);
  service.requireUsable(deployer, "camera-1", []);
  const denied = [["f", ["B"]], ["camera-1", ["A"]], ["camera-1", ["none"]]] as const;
  for (const [name, texts] of denied) {
    assert.throws(() => service.requireUsable(deployer, name, texts), forbidden);
  }
  assert.throws(() => service.requireUsable(admin, "f", ["B"]), forbidden);
  assert.throws(() => service.requireUsable(admin, "f", ["none"]), { code: "UNPROCESSABLE" });
});

import assert from "node:assert/strict";
import { FakeEnvironment, fakeRecord } from "../../tests/support/fakes/fake_environment.ts";
import { type ConfigSource, resolveConfig } from "../config/config.ts";
import { Environments } from "./environments.ts";

function setUp(values: ConfigSource["values"] = {}) {
  const containers = new FakeEnvironment();
  const sandboxes = new FakeEnvironment();
  const opened: string[] = [];
  const environments = new Environments({
    config: resolveConfig([{ origin: "test", values }]).config,
    containers,
    openSandboxes: () => {
      opened.push("once");
      return Promise.resolve(sandboxes);
    },
  });
  return { containers, sandboxes, opened, environments };
}

const never = new AbortController().signal;

Deno.test("Environments: run functions by their runtime, and open sandboxes at first use", async () => {
  const { containers, sandboxes, opened, environments } = setUp();
  void environments.start(fakeRecord({ runtime: "python" }), never);
  await Promise.resolve();
  assert.deepEqual([containers.starts.length, opened], [1, []]);
  for (const runtime of ["deno", "wasm"]) {
    void environments.start(fakeRecord({ runtime }), never);
  }
  for (let i = 0; i < 8; i++) await Promise.resolve();
  assert.deepEqual([containers.starts.length, sandboxes.starts.length, opened], [1, 2, ["once"]]);
});

Deno.test("Environments: open sandboxes again after a failure", async () => {
  let attempts = 0;
  const environments = new Environments({
    config: resolveConfig([]).config,
    containers: new FakeEnvironment(),
    openSandboxes: () => Promise.reject(new Error(`attempt ${++attempts}`)),
  });
  const fn = fakeRecord({ runtime: "deno" });
  await assert.rejects(environments.prepare(fn), { message: "attempt 1" });
  await assert.rejects(environments.prepare(fn), { message: "attempt 2" });
});

Deno.test("Environments: runtime in containers is called sandbox, its generic instances are containers", async () => {
  const { containers, sandboxes, opened, environments } = setUp({
    "runtimes.sandbox.image": "some/image",
    "runtimes.sandbox.executor": "python",
  });
  containers.genericKind = { place: "container", id: "sandbox", memoryMib: 32, count: 1 };
  const kind = environments.generic(fakeRecord({ runtime: "sandbox" }))!;
  await environments.startGeneric(kind, never);
  assert.deepEqual([containers.generics.size, opened], [1, []]);
  await environments.startGeneric(environments.generic(fakeRecord({ runtime: "deno" }))!, never);
  assert.deepEqual([containers.generics.size, sandboxes.generics.size], [1, 1]);
});

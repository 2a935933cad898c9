import assert from "node:assert/strict";
import type { FunctionRecord } from "../../../lib/model/function.ts";
import { crashed, environmentContract, failure, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction } from "../../support/docker.ts";
import { sandboxWorld } from "../../support/sandbox_world.ts";
import { buildWasm } from "../../support/functions/wasm.ts";

async function open() {
  const modules = await buildWasm();
  return await sandboxWorld({
    "command.wasm": modules.command,
    "reactor.wasm": modules.reactor,
    "broken.wasm": modules.command.slice(0, 30_000),
  });
}

function record(behaviour: string, change: Partial<FunctionRecord> = {}): FunctionRecord {
  const stateful = behaviour === "count";
  const handler = stateful ? "reactor.tally" : "command.wasm";
  const env = { CASE: behaviour };
  return dockerFunction("wasm", handler, { env, stateful, maxConcurrency: 1, ...change });
}

environmentContract({
  runtime: "wasm",
  record,
  call: dockerCall,
  errorType: "ExitStatus",
  errorMessage: "the module ended with exit status 7",
  concurrent: false,
  interrupts: "never",
  lacks: {
    crash: "whatever a module does ends its call, and the instance goes on",
    greedy: "the module is refused more memory than it may have, and goes on",
    stray: "a module runs during calls only",
  },
}, open);

Deno.test("a failed call of a module leaves its sandbox unchanged", async (t) => {
  await using world = await open();
  const never = new AbortController().signal;
  const start = (behaviour: string, change?: Partial<FunctionRecord>) =>
    world.environment.start(record(behaviour, change), never);

  await t.step("abort, exhausted memory, an endless result", async () => {
    await using instance = await start("crash");
    for (let i = 0; i < 2; i++) {
      assert.match(failure(await instance.invoke(dockerCall())).message, /^unreachable/);
    }
    await using greedy = await start("greedy", { memoryMib: 24 });
    const { message } = failure(await greedy.invoke(dockerCall()));
    assert.match(message, /had grown to 2[34] of at most 24 MiB/);
    await using loud = await start("loud", { memoryMib: 96 });
    assert.equal(failure(await loud.invoke(dockerCall())).type, "ResultTooLarge");
    assert.equal(failure(await loud.invoke(dockerCall())).type, "ResultTooLarge");
  });

  await t.step("memory that calls have grown does not accumulate", async () => {
    await using instance = await start("", { handler: "reactor.bomb", memoryMib: 48 });
    for (let i = 0; i < 8; i++) {
      const pages = value(await instance.invoke(dockerCall())) as number;
      assert.ok(pages > 700 && pages < 768, String(pages));
    }
  });

  await t.step("a module receives its function, node and area", async () => {
    await using instance = await start("variables", { name: "who" });
    assert.equal(
      value(await instance.invoke(dockerCall())),
      "who 128 TEST",
    );
  });

  await t.step("an endless loop ends with its process, and harms nothing else", async () => {
    await using neighbour = await start("echo");
    await using instance = await start("", { handler: "reactor.loop" });
    const call = dockerCall();
    const running = crashed(instance.invoke(call));
    instance.cancel(call.id);
    await instance[Symbol.asyncDispose]();
    assert.match((await running).message, /removed/);
    assert.equal(value(await neighbour.invoke(dockerCall())), null);
  });

  await t.step("a module that cannot be run fails the start with the reason", async () => {
    const refused = async (change: Partial<FunctionRecord>) => {
      const error = await start("echo", change).then(() => undefined, (error) => error);
      return error as { code: string; message: string };
    };
    const broken = await refused({ handler: "broken.wasm" });
    assert.match(broken.message, /is truncated/);
    assert.match((await refused({ handler: "absent" })).message, /no module for the handler/);
    assert.match((await refused({ handler: "reactor.absent" })).message, /neither _start nor/);
  });
});

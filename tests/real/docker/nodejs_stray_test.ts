import assert from "node:assert/strict";
import { failure, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, dockerWorld } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";

const never = new AbortController().signal;

Deno.test("Node.js executor: stray errors and output", async (t) => {
  await using world = await dockerWorld();
  const start = (handler: string, maxConcurrency = 1) =>
    world.environment.start(dockerFunction("nodejs", handler, { maxConcurrency }), never);
  const written = (id: string | null) =>
    world.written.filter((one) => one.id === id).map(({ text }) => text).join("");

  const strays = {
    rejection: ["Error", "floating"],
    timer: ["TypeError", "in a timer"],
    listener: ["RangeError", "in a listener"],
  };
  for (const maxConcurrency of [1, 4]) {
    for (const [kind, expected] of Object.entries(strays)) {
      await t.step(`a ${kind} fails its own call, at ${maxConcurrency}`, async () => {
        await using instance = await start("stray.reject", maxConcurrency);
        const call = (kind: string) => instance.invoke(dockerCall({ params: { kind } }));
        const { type, message, traceback } = failure(await call(kind));
        assert.deepEqual([type, message], expected);
        assert.match(traceback, /\/app\/stray\.js/);
        assert.equal(failure(await call(kind)).message, expected[1], "the instance goes on");
      });
    }
  }

  await t.step("concurrent calls of one that fails get their results", async () => {
    await using instance = await start("stray", 4);
    const call = (does: string, kind = "") =>
      instance.invoke(dockerCall({ params: { does, kind } }));
    const neighbours = [call("reject", "nothing"), call("reject", "nothing")];
    assert.equal(failure(await call("reject", "rejection")).message, "floating");
    assert.equal(value(await call("open")), true);
    assert.deepEqual((await Promise.all(neighbours)).map(value), ["ok", "ok"]);
  });

  await t.step("output after the reply is in the log, and in no other call's output", async () => {
    await using instance = await start("stray");
    const first = dockerCall({ params: { does: "afterwards" }, returnOutput: true });
    assert.equal(value(await instance.invoke(first)), "ok");
    const second = dockerCall({ params: { does: "wait" }, returnOutput: true });
    const reply = await instance.invoke(second);
    assert.deepEqual([value(reply), reply.output], ["waited", ""]);
    await eventually("the log has both", () => {
      const log = written(null);
      return log.includes("later\n") &&
        /Unhandled rejection: Error: after its reply\n +at/.test(log);
    });
    assert.equal(written(first.id) + written(second.id), "");
  });

  await t.step("a function's own listener takes precedence", async () => {
    await using instance = await start("stray.listening");
    assert.deepEqual(value(await instance.invoke(dockerCall())), ["mine"]);
  });

  await t.step("a rejection while the code is loaded fails the load", async () => {
    await using instance = await start("loading.handler");
    assert.equal(failure(await instance.invoke(dockerCall())).message, "while loading");
  });

  await t.step("output of child processes and to descriptors belongs to the call", async () => {
    await using instance = await start("stray.children");
    const reply = await instance.invoke(dockerCall({ returnOutput: true }));
    assert.deepEqual(value(reply), [null, null]);
    const lines = reply.output.split("\n");
    assert.deepEqual(lines.slice(0, 3), ["from Node.js", "from a child", "by its number"]);
    // Two pipes have no common order.
    assert.deepEqual(lines.slice(3).sort(), ["", "error", "from a shell", "out"]);
  });

  await t.step("output of an awaited child process is known at once", async () => {
    const instance = await start("stray");
    const call = (seconds: number) =>
      dockerCall({ params: { does: "waiting", seconds }, returnOutput: true });
    for (const seconds of [0, 0.2]) {
      const { output } = await instance.invoke(call(seconds));
      assert.equal(output, "from Node.js\ngrün\nend\nafter it\n");
    }
    const late = call(60);
    const running = instance.invoke(late).catch((error) => error);
    await eventually(
      "the node has it",
      async () => (await instance.output(late.id)).endsWith("grün\n"),
    );
    await instance[Symbol.asyncDispose]();
    assert.equal((await running).details.output, "from Node.js\ngrün\n");
    assert.equal(written(late.id), "from Node.js\ngrün\n");
  });

  await t.step("output of an awaited child process is cut like any other", async () => {
    await using instance = await start("stray.much");
    for (let i = 0; i < 2; i++) {
      const { output } = await instance.invoke(dockerCall({ returnOutput: true }));
      assert.match(output.slice(1 << 20), /^\n\[output cut here: .*\]\n$/);
    }
  });

  await t.step("characters that arrive in pieces are joined", async () => {
    await using instance = await start("stray.pieces");
    const { output } = await instance.invoke(dockerCall({ returnOutput: true }));
    assert.equal(output, "größe 世界 🌍\nünumber\n");
  });

  for (const how of ["exit", "kill", "loop", "wait", "flood"]) {
    await t.step(`output is kept whatever ends the call: ${how}`, async () => {
      const instance = await start("stray.ending");
      const call = dockerCall({ params: { how } });
      const running = instance.invoke(call).catch((error) => error);
      const last = how === "flood" ? "1999 x" : "and no end of line";
      if (how !== "exit" && how !== "kill") {
        await eventually("it is written", () => written(call.id).includes(last));
        assert.match(
          await instance.output(call.id),
          /^the last thing that it did\nand no end of line/,
        );
      }
      if (how === "exit" || how === "kill") await running;
      await instance[Symbol.asyncDispose]();
      const error = await running;
      assert.match(error.details.output, /^the last thing that it did\nand no end of line/);
      assert.ok(written(call.id).includes(last));
    });
  }

  await t.step("a handler may be a method of an exported object", async () => {
    await using greet = await start("stray.api.v1.greet");
    assert.equal(value(await greet.invoke(dockerCall({ params: { name: "you" } }))), "hello you");
    await using self = await start("stray.api.self");
    assert.equal(value(await self.invoke(dockerCall())), true);
    await using absent = await start("stray.api.v2.greet");
    assert.match(failure(await absent.invoke(dockerCall())).message, /exports no function/);
  });

  await t.step("a fork of the executor ends by itself, and the user has a name", async () => {
    await using instance = await start("stray.fork");
    const reply = await instance.invoke(dockerCall({ returnOutput: true }));
    assert.equal(value(reply), 1);
    assert.match(reply.output, /Only the node starts/);
    await using user = await start("stray.user");
    assert.equal(value(await user.invoke(dockerCall())), "nobody");
  });
});

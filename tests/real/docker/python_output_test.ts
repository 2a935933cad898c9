import assert from "node:assert/strict";
import type { JsonObject } from "../../../lib/json/json.ts";
import type { Instance } from "../../../lib/runtime/environment.ts";
import { crashed, failure, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, dockerWorld } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";

const never = new AbortController().signal;

Deno.test("output of Python functions", async (t) => {
  await using world = await dockerWorld();
  const start = (handler: string, change = {}) =>
    world.environment.start(dockerFunction("python", `output.${handler}`, change), never);
  const outputOf = async (instance: Instance, params: JsonObject = {}) =>
    (await instance.invoke(dockerCall({ params, returnOutput: true }))).output;
  /** Time that an instance's processes have used, s (ps(1)). */
  const cpuSeconds = async (instance: Instance) => {
    const container = world.docker.getContainer(instance.id);
    const { Processes } = await container.top({ ps_args: "-eo pid,cputimes" });
    return Processes.reduce((sum: number, [, seconds]: string[]) => sum + Number(seconds), 0);
  };
  const logged = (id: string | null) =>
    world.written.filter((one) => one.id === id).map(({ text }) => text).join("");

  await t.step("child processes and C write to the output of the call, in order", async () => {
    await using instance = await start("children");
    const all = [
      "from Python",
      "from a child",
      "by its number",
      "from a shell",
      "from C",
      "by its other name",
      "WARNING:root:a warning",
      "to a path",
      "no line's end",
    ].join("\n");
    for (let i = 0; i < 2; i++) assert.equal(await outputOf(instance), all);
  });

  await t.step("where calls overlap, they write to the function's log", async () => {
    await using instance = await start("children", { maxConcurrency: 2 });
    const output = await outputOf(instance);
    assert.equal(output, "from Python\nWARNING:root:a warning\nno line's end");
    await eventually("the log has it", () => /from a child\n(.|\n)*from C\n/.test(logged(null)));
  });

  await t.step("a child process may write more than a pipe holds", async () => {
    await using instance = await start("much");
    assert.equal(await outputOf(instance), `${"x".repeat(300_000)}\nend\n`);
  });

  await t.step("a character may arrive in pieces, and bytes need not be UTF-8", async () => {
    await using instance = await start("pieces");
    assert.equal(await outputOf(instance), "grüße 🌍\n\ufffd no UTF-8\n");
  });

  await t.step("sys.stdout is a text file like any other", async () => {
    await using instance = await start("attributes");
    const reply = await instance.invoke(dockerCall({ returnOutput: true }));
    const expected = ["UTF-8", "<stdout>", "w", false, false, true, 1, 2, true];
    const [encoding, ...rest] = value(reply) as unknown[];
    assert.deepEqual([String(encoding).toUpperCase(), ...rest], expected);
    assert.equal(reply.output, "ü\nab\nkept back by nobody\n");
  });

  for (const maxConcurrency of [1, 2]) {
    await t.step(`wrappers of streams delay no output, at ${maxConcurrency}`, async () => {
      for (const stream of ["stdout", "stderr"]) {
        await using instance = await start("wrap", { maxConcurrency });
        assert.equal(
          await outputOf(instance, { stream }),
          maxConcurrency > 1 ? "" : "in this call",
        );
        assert.equal(await outputOf(instance, { stream, ours: true }), "in this call");
      }
    });
  }

  await t.step(
    "buffers between are flushed when a call ends, fails or is about to be late",
    async () => {
      await using instance = await start("wrap");
      const stream = "stdout";
      assert.equal(await outputOf(instance, { stream, between: true }), "in this call");
      assert.equal(await outputOf(instance, { stream, ours: true, fail: true }), "in this call");
      const call = dockerCall({ params: { stream, ours: true, spin: true }, timeoutMs: 200 });
      const running = instance.invoke(call);
      await eventually("the node has it", () => logged(call.id) === "before the deadline\n");
      assert.equal((await running).output, "before the deadline\n");
    },
  );

  await t.step("incomplete lines are in the reply of a call that times out", async () => {
    await using instance = await start("unfinished");
    const call = dockerCall({ timeoutMs: 300 });
    const { output } = await instance.invoke(call);
    const parts = ["whole\n", "by name ", "by another ", "by its number"];
    assert.deepEqual(parts.filter((part) => !output.includes(part)), [], output);
  });

  await t.step("a wrapper that is collected closes no stream", async () => {
    await using instance = await start("dropped");
    for (let i = 0; i < 2; i++) assert.equal(await outputOf(instance), "through it\n");
  });

  await t.step("output before a crash is kept", async () => {
    for (
      const [how, more] of [
        ["exit", /to descriptor 2/],
        ["segfault", /Fatal Python error: Segmentation fault/],
        ["memory", /^/],
        ["kill", /^/],
      ] as const
    ) {
      const instance = await start("end", { memoryMib: 64 });
      const call = dockerCall({ params: { how } });
      const error = await crashed(instance.invoke(call));
      const output = error.details?.output as string;
      assert.match(output, /^the last line\n/, how);
      assert.match(output, more, how);
      assert.match(logged(call.id), /^the last line\n/);
      await instance[Symbol.asyncDispose]();
      assert.match(logged(call.id), more);
    }
  });

  await t.step("output of a call that hangs is known at once", async () => {
    for (const how of ["sleep", "regex"]) {
      await using instance = await start("end");
      const call = dockerCall({ params: { how } });
      const running = instance.invoke(call).catch(() => {});
      await eventually("the node has it", () => instance.output(call.id) === "the last line\n");
      await instance[Symbol.asyncDispose]();
      await running;
    }
  });

  await t.step(
    "a thread that outlives its call writes to the log under that call's id",
    async () => {
      for (const maxConcurrency of [1, 2]) {
        await using instance = await start("leave_thread", { maxConcurrency });
        const first = dockerCall({ params: { step: 1 }, returnOutput: true });
        assert.equal((await instance.invoke(first)).output, "step 1\n");
        assert.equal(await outputOf(instance, { step: 2 }), "step 2\n");
        await eventually("the log has it", () => logged(first.id) === "step 1\nlate\n");
      }
    },
  );

  await t.step("a call with a short deadline that hangs has its output in the log", async () => {
    const instance = await start("end");
    for (let i = 0; i < 3; i++) {
      assert.equal(await outputOf(instance, { how: "return" }), "the last line\n");
    }
    const call = dockerCall({ params: { how: "regex" } });
    const running = instance.invoke(call).catch(() => {});
    await eventually("it runs", async () => await cpuSeconds(instance) > 0);
    await instance[Symbol.asyncDispose]();
    await running;
    assert.equal(logged(call.id), "the last line\n");
  });

  await t.step("a process that outlives its call writes to the log", async () => {
    await using instance = await start("leave_child");
    assert.equal(await outputOf(instance, { step: 1 }), "step 1\n");
    assert.equal(await outputOf(instance, { step: 2 }), "step 2\n");
    assert.equal(await outputOf(instance, { step: 3 }), "step 3\n");
    await eventually("the log has it", () => /late\n(.|\n)*later\n/.test(logged(null)));
    await using children = await start("children");
    assert.match(await outputOf(children), /from a child/);
  });

  await t.step("a thread that outlives its call writes to no other call's output", async () => {
    await using instance = await start("leave_writer");
    await outputOf(instance, { step: 1 });
    // What goes through its descriptors after the child is nobody's: it may be the child's.
    assert.equal(await outputOf(instance, { step: 2 }), "before\n");
    await eventually("the log has it", () => /late, from a child\nafter\n/.test(logged(null)));
    assert.equal(await outputOf(instance, { step: 2 }), "before\nafter\n");
  });

  await t.step("a coroutine's output belongs to its call", async () => {
    await using instance = await start("coroutine", { maxConcurrency: 3 });
    const words = ["a", "b", "c"];
    const outputs = await Promise.all(words.map((word) => outputOf(instance, { word })));
    assert.deepEqual(outputs, words.map((word) => `${word}\n`.repeat(5)));
  });

  await t.step("a long line is kept whole", async () => {
    await using instance = await start("long_lines");
    assert.equal(await outputOf(instance), `${"y".repeat(200_000)}\n`);
  });

  await t.step("a failure includes its output without returnOutput", async () => {
    await using instance = await start("wrap");
    const reply = await instance.invoke(dockerCall({ params: { stream: "stdout", fail: true } }));
    assert.equal(failure(reply).type, "ValueError");
    assert.equal(reply.output, "in this call");
  });
});

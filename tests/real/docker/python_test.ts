import assert from "node:assert/strict";
import { crashed, failure, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, dockerWorld, nestedParams } from "../../support/docker.ts";
import { checkLoadOutput } from "../../support/load_output.ts";
import { eventually } from "../../support/eventually.ts";

const never = new AbortController().signal;

Deno.test("Python executor", async (t) => {
  await using world = await dockerWorld();
  const start = (handler: string, change = {}) =>
    world.environment.start(dockerFunction("python", handler, change), never);

  await t.step("a result that is not JSON is the function's failure", async () => {
    for (
      const [behaviour, type] of [["unserializable", "TypeError"], ["infinite", "ValueError"]]
    ) {
      await using instance = await start(`cases.${behaviour}`);
      assert.equal(failure(await instance.invoke(dockerCall())).type, type);
    }
  });

  await t.step("a result nested too deeply is the function's failure", async () => {
    await using instance = await start("cases.nested");
    for (let i = 0; i < 2; i++) {
      assert.equal(failure(await instance.invoke(dockerCall())).type, "RecursionError");
    }
  });

  for (const maxConcurrency of [1, 3]) {
    await t.step(
      `params nested too deeply fail their call only, at ${maxConcurrency}`,
      async () => {
        await using instance = await start("cases.nap", { maxConcurrency });
        const calls = [{ ms: 200 }, { ...nestedParams(3000), ms: 0 }, { ms: 0 }]
          .map((params) => dockerCall({ params }));
        const running = calls.map((call) => instance.invoke(call));
        // So that a running call looks at what waits behind it.
        instance.cancel(calls[2]!.id);
        const [slept, refused] = await Promise.all(running);
        assert.equal(value(slept!), "rested");
        // Python 3.13 reads three times as deep.
        if (refused!.ok) assert.equal(value(refused!), "rested");
        else {
          const { type, message } = failure(refused!);
          assert.equal(type, "RecursionError");
          assert.match(message, /^The parameters are nested too deeply: /);
        }
        assert.equal(value(await instance.invoke(dockerCall({ params: { ms: 0 } }))), "rested");
      },
    );
  }

  await checkLoadOutput(t, world, start, {
    broken: "broken.handler",
    talkative: "talkative.handler",
  });

  await t.step("bytes become base64", async () => {
    await using bare = await start("cases.binary");
    assert.deepEqual(value(await bare.invoke(dockerCall())), {
      statusCode: 200,
      body: "AP+A",
      isBase64Encoded: true,
    });
    await using http = await start("cases.http");
    assert.deepEqual(value(await http.invoke(dockerCall())), {
      statusCode: 201,
      body: "AP8=",
      isBase64Encoded: true,
    });
  });

  await t.step("the context has function, request, node and remaining time", async () => {
    const fn = dockerFunction("python", "cases.facts", { env: { GREETING: "grüß dich" } });
    await using instance = await world.environment.start(fn, never);
    const reported = value(
      await instance.invoke(dockerCall({ id: "r1", timeoutMs: 5000 })),
    ) as Record<
      string,
      unknown
    >;
    const { deadline, remaining, ...facts } = reported as { deadline: number; remaining: number };
    assert.ok(deadline > 0 && deadline <= 5000 && remaining > 0 && remaining <= 5000);
    assert.deepEqual(facts, {
      function: fn.name,
      request: "r1",
      memory: 128,
      area: "TEST",
      node: world.nodeId,
      env: "grüß dich",
      secret: [],
    });
  });

  await t.step("threads write to the output of the call that they work for", async () => {
    await using instance = await start("cases.threads", { maxConcurrency: 3 });
    const ask = async (word: string) => {
      const call = dockerCall({ params: { word }, returnOutput: true });
      return (await instance.invoke(call)).output;
    };
    const said = (word: string) =>
      ["plain", "own", "fresh pool", "kept pool", "loop"].map((how) => `${word} ${how}\n`).join("");
    assert.equal(await ask("first"), said("first"));
    const words = ["a", "b", "c"];
    assert.deepEqual(await Promise.all(words.map((word) => ask(word))), words.map(said));
    assert.equal(await ask("let go"), "");
    await eventually("what ended calls have left behind writes to the log", () => {
      const late = world.written.filter(({ text }) => text.endsWith(" late\n"));
      return late.map(({ text }) => text.split(" ")[0]).sort().join() === "a,b,c,first" &&
        late.every(({ id }) => id !== null);
    });
  });

  await t.step("an exception that cannot be converted to text is a failure, too", async () => {
    await using instance = await start("cases.hostile");
    for (
      const [name, type, text] of [
        ["Hostile", "Exception", "(the exception's text cannot be made)"],
        ["HostileText", "HostileText", "own text"],
      ]
    ) {
      const call = dockerCall({ params: { name: name! } });
      const { type: actual, message } = failure(await instance.invoke(call));
      assert.deepEqual([actual, message], [type, text]);
    }
  });

  await t.step("a traceback shows the function's frames only", async () => {
    await using instance = await start("cases.fail");
    const { traceback } = failure(await instance.invoke(dockerCall()));
    assert.match(traceback, /^Traceback \(most recent call last\):\n {2}File "\/app\/cases.py"/);
    assert.match(traceback, /ValueError: bad value\n$/);
  });

  await t.step("a module that cannot be imported fails the calls, not the start", async () => {
    for (
      const [handler, type] of [
        ["broken.handler", "ModuleNotFoundError"],
        ["absent.handler", "ModuleNotFoundError"],
        ["cases.absent", "AttributeError"],
        ["cases", "ImportError"],
      ]
    ) {
      await using instance = await start(handler!);
      for (let i = 0; i < 2; i++) {
        const { type: actual, message } = failure(await instance.invoke(dockerCall()));
        assert.equal(actual, type);
        if (handler === "absent.handler") {
          assert.match(
            message,
            /^The function's code has no file absent\.py\. Files: .*\bcases\.py/,
          );
        }
      }
    }
  });

  await t.step("sys.exit is a failure, and the instance lives on", async () => {
    await using instance = await start("cases.leave");
    for (let i = 0; i < 2; i++) {
      const { type, message } = failure(await instance.invoke(dockerCall()));
      assert.deepEqual([type, message], ["SystemExit", "4"]);
    }
  });

  await t.step("a write to descriptor 1 is output and breaks nothing", async () => {
    await using instance = await start("cases.stray");
    for (let i = 0; i < 2; i++) {
      const reply = await instance.invoke(dockerCall({ returnOutput: true }));
      assert.equal(value(reply), "fine");
      assert.match(reply.output, /hello on descriptor 1\nfrom a child process\n$/);
    }
  });

  await t.step("output beyond the limit is cut with a note", async () => {
    await using instance = await start("cases.chatty");
    const { output } = await instance.invoke(dockerCall());
    assert.ok(output.length > 1 << 20 && output.length < (1 << 20) + 100);
    assert.match(output, /output cut here/);
  });

  for (const maxConcurrency of [1, 3]) {
    await t.step(`coroutines are run, at ${maxConcurrency} at once`, async () => {
      await using instance = await start("cases.later", { maxConcurrency });
      const calls = Array.from(
        { length: maxConcurrency * 2 },
        () => instance.invoke(dockerCall({ returnOutput: true })),
      );
      for (const reply of await Promise.all(calls)) {
        assert.equal(value(reply), "later");
        assert.equal(reply.output, "later\n");
      }
    });
  }

  for (const behaviour of ["sleepy", "later_sleepy"]) {
    await t.step(`its deadline interrupts a blocked function: ${behaviour}`, async () => {
      await using instance = await start(`cases.${behaviour}`);
      for (let i = 0; i < 2; i++) {
        const reply = await instance.invoke(dockerCall({ timeoutMs: 200 }));
        assert.equal(failure(reply).type, "Interrupted");
        assert.match(reply.output, /cleaned up/, "finally blocks have run");
      }
    });

    await t.step(
      `a cancellation interrupts a blocked function, and only that: ${behaviour}`,
      async () => {
        await using instance = await start(`cases.${behaviour}`);
        const call = dockerCall({ timeoutMs: 600_000 });
        const running = instance.invoke(call);
        instance.cancel(call.id);
        assert.equal(failure(await running).type, "Interrupted");
      },
    );
  }

  await t.step("every call has its own deadline, whatever alarm an earlier one left", async () => {
    await using instance = await start("cases.nap");
    const nap = (ms: number, timeoutMs: number, more = {}) =>
      instance.invoke(dockerCall({ params: { ms, ...more }, timeoutMs }));
    assert.equal(value(await nap(0, 60_000)), "rested");
    assert.equal(failure(await nap(600_000, 50)).type, "Interrupted", "earlier than the last one");
    assert.equal(value(await nap(0, 50)), "rested");
    assert.equal(value(await nap(100, 60_000)), "rested", "the alarm of the last one comes now");
    assert.equal(value(await nap(0, 60_000, { alarm: 50 })), "rested");
    assert.equal(value(await nap(100, 60_000)), "rested", "the function's own alarm is gone");
    assert.equal(failure(await nap(600_000, 50)).type, "Interrupted");
  });

  await t.step("cancelling one of several calls leaves the others", async () => {
    await using instance = await start("cases.noisy", { maxConcurrency: 3 });
    const calls = ["a", "b", "c"].map((word) => dockerCall({ params: { word } }));
    const running = calls.map((call) => instance.invoke(call));
    instance.cancel(calls[1]!.id);
    const [a, b, c] = await Promise.all(running);
    assert.deepEqual([value(a!), failure(b!).type, value(c!)], ["a", "Interrupted", "c"]);
    assert.equal(value(await instance.invoke(dockerCall({ params: { word: "d" } }))), "d");
  });

  await t.step("a call that cannot be interrupted ends with its instance", async () => {
    const instance = await start("cases.stubborn");
    const running = crashed(instance.invoke(dockerCall({ timeoutMs: 10 })));
    await instance[Symbol.asyncDispose]();
    await running;
  });

  await t.step("params too large for a frame fail their call only", async () => {
    await using instance = await start("cases.echo");
    const huge = instance.invoke(dockerCall({ params: { text: "x".repeat(65 << 20) } }));
    await assert.rejects(huge, { code: "PAYLOAD_TOO_LARGE" });
    assert.deepEqual(value(await instance.invoke(dockerCall({ params: { a: 1 } }))), { a: 1 });
  });
});

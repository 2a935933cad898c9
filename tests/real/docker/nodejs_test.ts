import assert from "node:assert/strict";
import { failure, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, dockerWorld, nestedParams } from "../../support/docker.ts";
import { checkLoadOutput } from "../../support/load_output.ts";

const never = new AbortController().signal;

Deno.test("Node.js executor", async (t) => {
  await using world = await dockerWorld();
  const start = (handler: string, change = {}) =>
    world.environment.start(dockerFunction("nodejs", handler, change), never);

  for (const handler of ["single", "single.js"]) {
    await t.step(`a module may be the function itself: ${handler}`, async () => {
      await using instance = await start(handler);
      const reply = await instance.invoke(dockerCall({ params: { a: 1 } }));
      assert.deepEqual(value(reply), { single: { a: 1 } });
    });
  }

  await t.step("an ES module's default export is the function", async () => {
    for (const handler of ["modern", "modern.mjs"]) {
      await using instance = await start(handler);
      assert.deepEqual(value(await instance.invoke(dockerCall())), { modern: null });
    }
  });

  await t.step("a function that returns nothing has the result null", async () => {
    await using instance = await start("cases.nothing");
    assert.equal(value(await instance.invoke(dockerCall())), null);
  });

  await t.step(
    "a result that JSON cannot represent is the function's failure, infinity is null",
    async () => {
      await using bigint = await start("cases.unserializable");
      assert.equal(failure(await bigint.invoke(dockerCall())).type, "TypeError");
      await using infinite = await start("cases.infinite");
      assert.deepEqual(value(await infinite.invoke(dockerCall())), { value: null });
    },
  );

  await t.step("params may be nested deeply; results as far as the stack goes", async () => {
    await using echo = await start("cases.echo");
    const params = nestedParams(3000);
    const echoed = value(await echo.invoke(dockerCall({ params })));
    assert.equal(JSON.stringify(echoed), JSON.stringify(params));
    await using nested = await start("cases.nested");
    for (let i = 0; i < 2; i++) {
      const reply = await nested.invoke(dockerCall());
      // Newer engines need no stack for it.
      if (!reply.ok) assert.equal(failure(reply).type, "RangeError");
      else assert.match(String(reply.result), /^\[{200001}\]{200001}$/);
    }
  });

  await checkLoadOutput(t, world, start, { broken: "broken", talkative: "talkative" });

  await t.step("bytes become base64", async () => {
    await using bare = await start("cases.binary");
    const answer = { statusCode: 200, body: "AP+A", isBase64Encoded: true };
    assert.deepEqual(value(await bare.invoke(dockerCall())), answer);
    await using http = await start("cases.http");
    assert.deepEqual(value(await http.invoke(dockerCall())), {
      statusCode: 201,
      body: "AP8=",
      isBase64Encoded: true,
    });
  });

  await t.step("a rejected promise is a failure with its stack and output", async () => {
    await using instance = await start("cases.fail_later");
    const reply = await instance.invoke(dockerCall());
    const { type, message, traceback } = failure(reply);
    assert.deepEqual([type, message], ["RangeError", "bad value"]);
    assert.match(traceback, /\/app\/cases.js/);
    assert.equal(reply.output, "before the failure\n");
  });

  await t.step("an error that cannot be converted to text is a failure, too", async () => {
    await using instance = await start("cases.hostile", { memoryMib: 512 });
    for (const kind of ["getter", "stack", "text", "proxy"]) {
      const { message } = failure(await instance.invoke(dockerCall({ params: { kind } })));
      assert.equal(message, "something was thrown that cannot be shown", kind);
    }
    const { type } = failure(await instance.invoke(dockerCall({ params: { kind: "name" } })));
    assert.match(type, /^n{1000}$/);
  });

  await t.step("a module that cannot be loaded fails the calls, not the start", async () => {
    for (const [handler, text] of [["broken", /no_such_module/], ["absent", /no file absent/]]) {
      await using instance = await start(handler as string);
      for (let i = 0; i < 2; i++) {
        assert.match(failure(await instance.invoke(dockerCall())).message, text as RegExp);
      }
    }
  });

  await t.step("the context has function, request, node and remaining time", async () => {
    const fn = dockerFunction("nodejs", "cases.facts", { env: { GREETING: "grüß dich" } });
    await using instance = await world.environment.start(fn, never);
    const reported = value(await instance.invoke(dockerCall({ id: "r1", timeoutMs: 5000 })));
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

  await t.step("output beyond the limit is cut with a note", async () => {
    await using instance = await start("cases.chatty");
    const { output } = await instance.invoke(dockerCall());
    assert.ok(output.length > 1 << 20 && output.length < (1 << 20) + 100);
    assert.match(output, /output cut here/);
  });

  await t.step("a write to descriptor 1 breaks nothing", async () => {
    await using instance = await start("cases.stray");
    assert.equal(value(await instance.invoke(dockerCall())), "fine");
    assert.equal(value(await instance.invoke(dockerCall())), "fine");
  });

  await t.step("replies to a full socket arrive completely", async () => {
    const sizes = Array.from({ length: 200 }, (_, n) => [20_000, 40, 0, 30_000][n % 4]!);
    await using instance = await start("cases.sized", { maxConcurrency: sizes.length });
    // The calls arrive together, so their replies are made faster than anybody can read them.
    const replies = await Promise.all(
      sizes.map((size) => instance.invoke(dockerCall({ params: { size } }))),
    );
    assert.deepEqual(replies.map((reply) => value(reply)), sizes.map((size) => "x".repeat(size)));
  });
});

import assert from "node:assert/strict";
import { ServerledgeError } from "../../../lib/base/errors.ts";
import type { Json } from "../../../lib/json/json.ts";
import type { CalleeCall } from "../../../lib/runtime/environment.ts";
import { value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, dockerWorld } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";

const never = new AbortController().signal;
const decoder = new TextDecoder();

/** A call whose function may invoke others; what they give is decided by their name. */
function caller(params: Record<string, Json>) {
  const asked: string[] = [];
  const cancelled: string[] = [];
  const onInvoke = ({ name, params, reservation }: CalleeCall) => {
    asked.push(`${name} ${decoder.decode(params.json.subarray(0, 20))}`);
    reservation?.[Symbol.dispose]();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    if (name === "fails") reject(new ServerledgeError("FUNCTION_ERROR", "ValueError: bad"));
    else if (name === "text") resolve("hello");
    else if (name === "long") resolve(JSON.stringify("ü".repeat(1 << 20)));
    else if (name !== "never") resolve(decoder.decode(params.json));
    const cancel = () => {
      cancelled.push(name);
      reject(new ServerledgeError("CANCELLED", "cancelled"));
    };
    return { result: promise, cancel };
  };
  return { call: { ...dockerCall({ params }), onInvoke }, asked, cancelled };
}

Deno.test("context.invoke in containers", async (t) => {
  await using world = await dockerWorld();
  const cases = [
    { runtime: "python", handler: "cases.invokes", maxConcurrency: 1 },
    { runtime: "python", handler: "cases.invokes", maxConcurrency: 2 },
    { runtime: "nodejs", handler: "cases.invokes", maxConcurrency: 1 },
  ];
  for (const { runtime, handler, maxConcurrency } of cases) {
    await t.step(`${runtime}, ${maxConcurrency} at once`, async () => {
      await using instance = await world.environment.start(
        dockerFunction(runtime, handler, { maxConcurrency }),
        never,
      );
      const run = async (params: Record<string, Json>) =>
        value(await instance.invoke(caller(params).call));
      const sent = { text: "é", n: [1, null] };
      assert.deepEqual(await run({ name: "echo", params: sent }), { result: sent });
      assert.deepEqual(await run({ name: "fails" }), {
        code: "FUNCTION_ERROR",
        message: "ValueError: bad",
      });
      assert.deepEqual(await run({ name: "text" }), {
        code: "FUNCTION_ERROR",
        message: "The result of the function is not JSON",
      });
      const text = "x".repeat(3 << 20);
      assert.deepEqual(await run({ name: "echo", params: { text } }), { result: { text } });
      assert.deepEqual(await run({ name: "long" }), { result: "ü".repeat(1 << 20) });
      const list = await run({ name: "echo", params: [1] }) as { code: string };
      assert.equal(list.code, "INVALID_REQUEST");
      const plain = value(await instance.invoke(dockerCall({ params: { name: "g" } })));
      assert.equal((plain as { code: string }).code, "FORBIDDEN");

      const waiting = caller({ name: "never" });
      const reply = instance.invoke(waiting.call);
      await eventually("it has asked", () => waiting.asked.length === 1);
      instance.cancel(waiting.call.id);
      assert.deepEqual(waiting.cancelled, ["never"]);
      await reply;
      assert.deepEqual(await run({ name: "echo", params: { n: 2 } }), { result: { n: 2 } });
    });
  }

  const both = [["python", 1], ["python", 2], ["nodejs", 1]] as const;
  for (const [runtime, maxConcurrency] of both) {
    await t.step(`async code of ${runtime} waits for two, ${maxConcurrency} at once`, async () => {
      await using instance = await world.environment.start(
        dockerFunction(runtime, "cases.invokes_both", { maxConcurrency }),
        never,
      );
      for (let i = 0; i < 3; i++) {
        const { call, asked } = caller({ names: ["a", "b"] });
        assert.deepEqual(value(await instance.invoke(call)), [{ n: 1 }, { n: 1 }]);
        assert.equal(asked.length, 2);
      }
    });
  }

  for (const runtime of ["python", "nodejs"]) {
    await t.step(`${runtime}: code that outlives its call is refused`, async () => {
      await using instance = await world.environment.start(
        dockerFunction(runtime, "cases.invokes_late"),
        never,
      );
      assert.equal(value(await instance.invoke(caller({}).call)), null);
      assert.equal(value(await instance.invoke(caller({}).call)), "FORBIDDEN");
    });
  }
});

import assert from "node:assert/strict";
import { forEach } from "./steps.ts";

Deno.test("forEach: runs a step for each item, never more than the limit at a time", async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await forEach([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    done.push(item);
  });
  assert.equal(most, 3);
  assert.deepEqual(done.sort(), [1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("forEach: after an error, starts no further step and throws that error", async () => {
  const begun: number[] = [];
  const steps = forEach([1, 2, 3, 4], 1, (item) => {
    begun.push(item);
    return item === 2 ? Promise.reject(new Error("second")) : Promise.resolve();
  });
  await assert.rejects(steps, { message: "second" });
  assert.deepEqual(begun, [1, 2]);
});

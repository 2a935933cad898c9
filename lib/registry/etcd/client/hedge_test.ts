import assert from "node:assert/strict";
import { firstResponse, memberIndex } from "./hedge.ts";

/** Members whose answers a test gives, in the order in which they are asked. */
function members() {
  const asked: PromiseWithResolvers<string>[] = [];
  const controls: AbortController[] = [];
  return {
    asked,
    controls,
    ask: (index: number, control: AbortController) => {
      controls[index] = control;
      return (asked[index] = Promise.withResolvers<string>()).promise;
    },
  };
}

const options = { tries: 3, delayMs: Infinity, isFinal: () => false };
const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("memberIndex: asks each member in turn, and after that all but the first", () => {
  const order = (count: number) =>
    Array.from({ length: 3 * count }, (_, at) => memberIndex(at, count));
  assert.deepEqual(order(1), [0, 0, 0]);
  assert.deepEqual(order(2), [0, 1, 1, 1, 1, 1]);
  assert.deepEqual(order(3), [0, 1, 2, 1, 2, 1, 2, 1, 2]);
});

Deno.test("firstResponse: tries the next at once when one fails", async () => {
  const { ask, asked } = members();
  const answer = firstResponse(options, ask);
  asked[0]!.reject(new Error("refused"));
  await turn();
  assert.equal(asked.length, 2);
  asked[1]!.resolve("from the second");
  assert.equal(await answer, "from the second");
});

Deno.test("firstResponse: throws the last error if all members fail", async () => {
  const { ask, asked } = members();
  const failed = assert.rejects(firstResponse(options, ask), { message: "no 2" });
  for (const at of [0, 1, 2]) {
    asked[at]!.reject(new Error(`no ${at}`));
    await turn();
  }
  await failed;
  assert.equal(asked.length, 3);
});

Deno.test("firstResponse: throws a final error at once, without another try", async () => {
  const { ask, asked } = members();
  const answer = firstResponse({ ...options, isFinal: () => true }, ask);
  asked[0]!.reject(new Error("no permission"));
  await assert.rejects(answer, { message: "no permission" });
  assert.equal(asked.length, 1);
});

Deno.test("firstResponse: does not wait for a slow member, and cancels it once another responds", async () => {
  const { ask, asked, controls } = members();
  const answer = firstResponse({ ...options, delayMs: 1 }, ask);
  while (asked.length < 2) await turn();
  asked[1]!.resolve("from the second");
  assert.equal(await answer, "from the second");
  assert.equal(controls[0]!.signal.aborted, true);
  assert.equal(controls[1]!.signal.aborted, false);
});

Deno.test("firstResponse: a slow member may still respond first", async () => {
  const { ask, asked, controls } = members();
  const answer = firstResponse({ ...options, delayMs: 1 }, ask);
  while (asked.length < 2) await turn();
  asked[0]!.resolve("late, but first");
  assert.equal(await answer, "late, but first");
  assert.equal(controls[1]!.signal.aborted, true);
});

Deno.test("firstResponse: after a transient error tries the next after the delay", async () => {
  const { ask, asked } = members();
  const answer = firstResponse({ ...options, delayMs: 30, isTransient: () => true }, ask);
  asked[0]!.reject(new Error("no leader"));
  await turn();
  assert.equal(asked.length, 1);
  while (asked.length < 2) await turn();
  asked[1]!.resolve("elected");
  assert.equal(await answer, "elected");
});

import assert from "node:assert/strict";
import { firstAnswer, memberOf } from "./hedge.ts";

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

const options = { tries: 3, patienceMs: Infinity, isFinal: () => false };
const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("memberOf: asks each member in turn, and after that all but the first", () => {
  const order = (count: number) =>
    Array.from({ length: 3 * count }, (_, at) => memberOf(at, count));
  assert.deepEqual(order(1), [0, 0, 0]);
  assert.deepEqual(order(2), [0, 1, 1, 1, 1, 1]);
  assert.deepEqual(order(3), [0, 1, 2, 1, 2, 1, 2, 1, 2]);
});

Deno.test("firstAnswer: asks the next at once when one fails, and takes its answer", async () => {
  const { ask, asked } = members();
  const answer = firstAnswer(options, ask);
  asked[0]!.reject(new Error("refused"));
  await turn();
  assert.equal(asked.length, 2);
  asked[1]!.resolve("from the second");
  assert.equal(await answer, "from the second");
});

Deno.test("firstAnswer: all members fail, throws the last error after all tries", async () => {
  const { ask, asked } = members();
  const failed = assert.rejects(firstAnswer(options, ask), { message: "no 2" });
  for (const at of [0, 1, 2]) {
    asked[at]!.reject(new Error(`no ${at}`));
    await turn();
  }
  await failed;
  assert.equal(asked.length, 3);
});

Deno.test("firstAnswer: a final error is thrown at once, and nobody else is asked", async () => {
  const { ask, asked } = members();
  const answer = firstAnswer({ ...options, isFinal: () => true }, ask);
  asked[0]!.reject(new Error("no permission"));
  await assert.rejects(answer, { message: "no permission" });
  assert.equal(asked.length, 1);
});

Deno.test("firstAnswer: a silent member is not waited for, and is left alone once another answers", async () => {
  const { ask, asked, controls } = members();
  const answer = firstAnswer({ ...options, patienceMs: 1 }, ask);
  while (asked.length < 2) await turn();
  asked[1]!.resolve("from the second");
  assert.equal(await answer, "from the second");
  assert.equal(controls[0]!.signal.aborted, true);
  assert.equal(controls[1]!.signal.aborted, false);
});

Deno.test("firstAnswer: a member that was silent may still be the first to answer", async () => {
  const { ask, asked, controls } = members();
  const answer = firstAnswer({ ...options, patienceMs: 1 }, ask);
  while (asked.length < 2) await turn();
  asked[0]!.resolve("late, but first");
  assert.equal(await answer, "late, but first");
  assert.equal(controls[1]!.signal.aborted, true);
});

Deno.test("firstAnswer: after an error that passes the next is asked after the pause, not at once", async () => {
  const { ask, asked } = members();
  const answer = firstAnswer({ ...options, patienceMs: 30, passes: () => true }, ask);
  asked[0]!.reject(new Error("no leader"));
  await turn();
  assert.equal(asked.length, 1);
  while (asked.length < 2) await turn();
  asked[1]!.resolve("elected");
  assert.equal(await answer, "elected");
});

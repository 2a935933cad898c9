import assert from "node:assert/strict";
import { firstAnswer, memberOf } from "./hedge.ts";

const silent = (control: AbortController) =>
  new Promise<never>((_resolve, reject) => {
    control.signal.addEventListener("abort", () => reject(new Error("called back")));
  });

Deno.test("firstAnswer: asks the next beside a silent one, and calls that back", async () => {
  const asked: AbortController[] = [];
  const answer = await firstAnswer(
    { tries: 3, patienceMs: 1, isFinal: () => false },
    (index, control) => {
      asked.push(control);
      return index === 0 ? silent(control) : Promise.resolve(index);
    },
  );
  assert.equal(answer, 1);
  assert.deepEqual(asked.map(({ signal }) => signal.aborted), [true, false]);
});

Deno.test("firstAnswer: takes the answer of one that was slow, if it is the first", async () => {
  const slow = Promise.withResolvers<string>();
  const answer = await firstAnswer(
    { tries: 2, patienceMs: 1, isFinal: () => false },
    (index, control) => {
      if (index === 1) slow.resolve("slow");
      return index === 0 ? slow.promise : silent(control);
    },
  );
  assert.equal(answer, "slow");
});

Deno.test("firstAnswer: ends with a final error, or with the last one", async () => {
  const options = { tries: 2, patienceMs: Infinity, isFinal: (error: unknown) => error === "no" };
  let asked = 0;
  const failing = (error: string) =>
    firstAnswer(options, () => {
      asked++;
      return Promise.reject(error);
    });
  await assert.rejects(failing("no"), (error) => error === "no");
  assert.equal(asked, 1);
  await assert.rejects(failing("away"), (error) => error === "away");
  assert.equal(asked, 3);
});

Deno.test("memberOf: asks each in turn, then all but the first", () => {
  const order = (count: number) => Array.from({ length: 7 }, (_, tried) => memberOf(tried, count));
  assert.deepEqual(order(3), [0, 1, 2, 1, 2, 1, 2]);
  assert.deepEqual(order(2), [0, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(order(1), [0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("firstAnswer: asks again later, not at once, after an error that passes by itself", async () => {
  for (const passes of [true, false]) {
    let asked = 0;
    const options = { tries: 2, patienceMs: 1, isFinal: () => false, passes: () => passes };
    const asking = firstAnswer(
      options,
      () => ++asked === 2 ? Promise.resolve("good") : Promise.reject("no leader"),
    );
    // No timer fires meanwhile.
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    assert.equal(asked, passes ? 1 : 2);
    assert.equal(await asking, "good");
  }
  const never = { tries: 3, patienceMs: 1, isFinal: () => false, passes: () => true };
  await assert.rejects(
    firstAnswer(never, () => Promise.reject(new Error("no leader"))),
    /no leader/,
  );
});

import assert from "node:assert/strict";
import { firstResponse, memberIndex } from "./hedge.ts";

const silent = (control: AbortController) =>
  new Promise<never>((_resolve, reject) => {
    control.signal.addEventListener("abort", () => reject(new Error("called back")));
  });

Deno.test("firstResponse: calls the next member in addition to a silent one, and cancels that", async () => {
  const asked: AbortController[] = [];
  const answer = await firstResponse(
    { tries: 3, delayMs: 1, isFinal: () => false },
    (index, control) => {
      asked.push(control);
      return index === 0 ? silent(control) : Promise.resolve(index);
    },
  );
  assert.equal(answer, 1);
  assert.deepEqual(asked.map(({ signal }) => signal.aborted), [true, false]);
});

Deno.test("firstResponse: returns the response of a slow member if it is the first", async () => {
  const slow = Promise.withResolvers<string>();
  const answer = await firstResponse(
    { tries: 2, delayMs: 1, isFinal: () => false },
    (index, control) => {
      if (index === 1) slow.resolve("slow");
      return index === 0 ? slow.promise : silent(control);
    },
  );
  assert.equal(answer, "slow");
});

Deno.test("firstResponse: ends with a final error, or with the last one", async () => {
  const options = { tries: 2, delayMs: Infinity, isFinal: (error: unknown) => error === "no" };
  let asked = 0;
  const failing = (error: string) =>
    firstResponse(options, () => {
      asked++;
      return Promise.reject(error);
    });
  await assert.rejects(failing("no"), (error) => error === "no");
  assert.equal(asked, 1);
  await assert.rejects(failing("away"), (error) => error === "away");
  assert.equal(asked, 3);
});

Deno.test("memberIndex: selects each member in turn, then all but the first", () => {
  const order = (count: number) =>
    Array.from({ length: 7 }, (_, tried) => memberIndex(tried, count));
  assert.deepEqual(order(3), [0, 1, 2, 1, 2, 1, 2]);
  assert.deepEqual(order(2), [0, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(order(1), [0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("firstResponse: after a transient error, tries again later, not at once", async () => {
  for (const passes of [true, false]) {
    let asked = 0;
    const options = { tries: 2, delayMs: 1, isFinal: () => false, isTransient: () => passes };
    const asking = firstResponse(
      options,
      () => ++asked === 2 ? Promise.resolve("good") : Promise.reject("no leader"),
    );
    // No timer fires in the meantime.
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    assert.equal(asked, passes ? 1 : 2);
    assert.equal(await asking, "good");
  }
  const never = { tries: 3, delayMs: 1, isFinal: () => false, isTransient: () => true };
  await assert.rejects(
    firstResponse(never, () => Promise.reject(new Error("no leader"))),
    /no leader/,
  );
});

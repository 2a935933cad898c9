import assert from "node:assert/strict";
import { Rope } from "./rope.ts";

Deno.test("Rope: returns the same bytes of every range as one array", () => {
  const whole = Uint8Array.from({ length: 12 }, (_, at) => at);
  const rope = new Rope(
    [[0, 1], [1, 1], [1, 7], [7, 12]].map(([from, to]) => whole.subarray(from, to)),
  );
  assert.equal(rope.length, whole.length);
  for (let from = 0; from <= 12; from++) {
    for (let to = from; to <= 14; to++) {
      assert.deepEqual(rope.slice(from, to), whole.slice(from, to), `${from} to ${to}`);
    }
  }
});

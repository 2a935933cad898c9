import assert from "node:assert/strict";
import fc from "fast-check";
import { BodyBudget, type ReservedBody } from "./body_budget.ts";

Deno.test("BodyBudget: rejects a body that does not fit, accepts it after a release", () => {
  const budget = new BodyBudget(100);
  const first = budget.take(40);
  assert.throws(() => budget.take(11), { code: "NODE_SATURATED" });
  const second = budget.take(10);
  assert.equal(budget.reserved, 100);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.equal(budget.reserved, 20);
  budget.take(40)[Symbol.dispose]();
  second[Symbol.dispose]();
  assert.equal(budget.reserved, 0);
});

Deno.test("BodyBudget: any sequence of take, grow and release, keeps the total exact", () => {
  const step = fc.record({ act: fc.nat(2), bytes: fc.nat(60), which: fc.nat() });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const budget = new BodyBudget(100);
    const held: { body: ReservedBody; bytes: number }[] = [];
    for (const { act, bytes, which } of steps) {
      const before = budget.reserved;
      const one = held[which % held.length];
      try {
        if (act === 0) held.push({ body: budget.take(bytes), bytes });
        else if (one && act === 1) {
          one.body.grow(bytes);
          one.bytes += bytes;
        } else if (one) {
          one.body[Symbol.dispose]();
          one.bytes = 0;
        }
      } catch {
        assert.ok(before + 2 * bytes > 100);
      }
      assert.equal(budget.reserved, 2 * held.reduce((sum, { bytes }) => sum + bytes, 0));
      assert.ok(budget.reserved <= 100);
    }
    for (const { body } of held) body[Symbol.dispose]();
    assert.equal(budget.reserved, 0);
  }));
});

Deno.test("BodyBudget: result that does not fit, throws FUNCTION_ERROR instead of NODE_SATURATED", () => {
  const budget = new BodyBudget(100);
  const result = budget.takeResult(60);
  assert.equal(budget.reserved, 60);
  assert.throws(() => budget.takeResult(41), { code: "FUNCTION_ERROR", message: /not available/ });
  result[Symbol.dispose]();
  assert.equal(budget.reserved, 0);
});

Deno.test("BodyBudget: a result that grows beyond the budget is reported with its whole size", () => {
  const result = new BodyBudget(8 << 20).takeResult(0);
  result.hold(7 << 20);
  assert.throws(() => result.hold(2 << 20), {
    message: /result needs at least 9 MiB.* 7 of 8 MiB/,
  });
});

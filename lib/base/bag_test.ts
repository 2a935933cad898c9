import assert from "node:assert/strict";
import fc from "fast-check";
import { Bag, type BagMember, nowhere } from "./bag.ts";

Deno.test("Bag: has the same members as a Set after any additions and deletions", () => {
  const step = fc.tuple(fc.boolean(), fc.nat(9));
  fc.assert(fc.property(fc.array(step), (steps) => {
    const members: BagMember[] = Array.from({ length: 10 }, () => ({ slot: nowhere }));
    const bag = new Bag<BagMember>();
    const set = new Set<BagMember>();
    for (const [adds, at] of steps) {
      const member = members[at]!;
      if (!adds) {
        assert.equal(bag.delete(member), set.delete(member));
      } else if (!set.has(member)) {
        bag.add(member);
        set.add(member);
      }
      assert.equal(bag.size, set.size);
      assert.deepEqual(new Set(bag.all()), set);
    }
  }));
});

Deno.test("Bag: does not delete a member of another bag", () => {
  const [one, other] = [new Bag<BagMember>(), new Bag<BagMember>()];
  const [a, b] = [{ slot: nowhere }, { slot: nowhere }];
  one.add(a);
  other.add(b);
  assert.equal(one.delete(b), false);
  assert.deepEqual([one.size, other.size, b.slot], [1, 1, 0]);
});

import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import { RefusalLimit } from "./refusal_limit.ts";

function setUp() {
  const clock = new ManualClock();
  const limit = new RefusalLimit(clock);
  const admitted = (count: number, address: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => limit.admits(address(i))).filter(Boolean).length;
  return { clock, limit, admitted };
}

Deno.test("RefusalLimit: records some refused requests of an address, and counts the others", () => {
  const { clock, limit, admitted } = setUp();
  assert.equal(admitted(100, () => "10.0.0.1"), 20);
  assert.equal(admitted(1, () => "10.0.0.2"), 1);
  assert.deepEqual(limit.takeOmitted(), { count: 80, addresses: ["10.0.0.1"] });
  assert.equal(limit.takeOmitted(), undefined);
  clock.advance(10_000);
  assert.equal(admitted(100, () => "10.0.0.1"), 1);
});

Deno.test("RefusalLimit: bounds what all addresses together have recorded", () => {
  const { clock, limit, admitted } = setUp();
  assert.equal(admitted(9000, (i) => `10.0.${i >> 8}.${i & 255}`), 500);
  const { count, addresses } = limit.takeOmitted()!;
  assert.deepEqual([count, addresses.length], [8500, 10]);
  clock.advance(2_000);
  assert.equal(admitted(100, () => "10.9.9.9"), 1);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { draw, initialShares, type Place, renormalize, type Shares } from "./shares.ts";

const all = { local: true, cloud: true, edge: true };

Deno.test("renormalize: keeps the proportions of possible places", () => {
  const shares = { local: 0.5, cloud: 0.2, edge: 0.2, drop: 0.1 };
  const corrected = renormalize(shares, { ...all, cloud: false, edge: false });
  assert.deepEqual(corrected, { local: 0.5 / 0.6, cloud: 0, edge: 0, drop: 0.1 / 0.6 });
  assert.deepEqual(renormalize(initialShares, { ...all, local: false }), {
    local: 0,
    cloud: 0.5,
    edge: 0.5,
    drop: 0,
  });
});

Deno.test("renormalize: falls back to peers and cloud, then this node, then rejection", () => {
  const local = { local: 1, cloud: 0, edge: 0, drop: 0 };
  const left = (possible: typeof all) => renormalize(local, possible);
  assert.deepEqual(left({ local: false, cloud: true, edge: true }), {
    local: 0,
    cloud: 0.5,
    edge: 0.5,
    drop: 0,
  });
  assert.equal(left({ local: false, cloud: true, edge: false }).cloud, 1);
  assert.equal(left({ local: false, cloud: false, edge: false }).drop, 1);
  const cloud = { local: 0, cloud: 1, edge: 0, drop: 0 };
  assert.equal(renormalize(cloud, { local: true, cloud: false, edge: false }).local, 1);
});

const share = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true }));
const anyShares: fc.Arbitrary<Shares> = fc.record({
  local: share,
  cloud: share,
  edge: share,
  drop: share,
});
const anyPossible = fc.record({ local: fc.boolean(), cloud: fc.boolean(), edge: fc.boolean() });

Deno.test("renormalize: returns shares that sum to 1 and exclude impossible places", () => {
  fc.assert(fc.property(anyShares, anyPossible, (shares, possible) => {
    const { local, cloud, edge, drop } = renormalize(shares, possible);
    assert.ok(Math.abs(local + cloud + edge + drop - 1) < 1e-9);
    for (const place of ["local", "cloud", "edge"] as const) {
      if (!possible[place]) assert.equal({ local, cloud, edge }[place], 0);
    }
  }));
});

Deno.test("draw: draws places in proportion to their shares", () => {
  const shares = { local: 0.5, cloud: 0, edge: 0.3, drop: 0.2 };
  const counts: Record<Place, number> = { local: 0, cloud: 0, edge: 0, drop: 0 };
  for (let i = 0; i < 1000; i++) counts[draw(shares, i / 1000)]++;
  assert.deepEqual(counts, { local: 500, cloud: 0, edge: 300, drop: 200 });
});

Deno.test("draw: draws a place with a share although rounding leaves the sum below 1", () => {
  assert.equal(draw({ local: 0.3, cloud: 0.6, edge: 0, drop: 0 }, 0.999), "cloud");
});

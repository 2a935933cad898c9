import assert from "node:assert/strict";
import { seededRandom } from "../../base/random.ts";
import type { Coordinate } from "../../model/node.ts";
import { distance, originCoordinate } from "./coordinates.ts";
import { LatencyFilter } from "./latency_filter.ts";
import { Vivaldi } from "./vivaldi.ts";

/** True round trips of points on a plane of 100 ms, each with an access link of its own. */
function world(size: number, random: () => number): (a: number, b: number) => number {
  const places = Array.from({ length: size }, () => ({
    x: random() * 100,
    y: random() * 100,
    link: 0.5 + random() * 5,
  }));
  return (a, b) => {
    const [from, to] = [places[a]!, places[b]!];
    return Math.hypot(from.x - to.x, from.y - to.y) + from.link + to.link;
  };
}

interface Simulation {
  readonly size: number;
  readonly rounds: number;
  /** Peers that each node knows. */
  readonly neighbours: number;
  /** Peers that it probes in a round. */
  readonly probes: number;
  /** Measured value for a true round trip of `rtt`. */
  readonly noise: (rtt: number, random: () => number) => number;
}

/** Runs the algorithm; returns the median relative error between random pairs of nodes. */
function simulate({ size, rounds, neighbours, probes, noise }: Simulation, seed: number): number {
  const random = seededRandom(seed);
  const truth = world(size, random);
  const pick = () => Math.floor(random() * size);
  const nodes = Array.from({ length: size }, (_, own) => ({
    vivaldi: new Vivaldi(random),
    peers: Array.from({ length: neighbours }, pick).filter((peer) => peer !== own)
      .map((peer) => ({ peer, filter: new LatencyFilter() })),
  }));
  for (let round = 0; round < rounds; round++) {
    for (const [own, { vivaldi, peers }] of nodes.entries()) {
      for (let i = 0; i < probes; i++) {
        const { peer, filter } = peers[(round * probes + i) % peers.length]!;
        const rtt = filter.add(noise(truth(own, peer), random));
        assert(vivaldi.update(nodes[peer]!.vivaldi.coordinate, rtt));
      }
    }
  }
  const errors: number[] = [];
  for (let i = 0; i < 5000; i++) {
    const [a, b] = [pick(), pick()];
    if (a === b) continue;
    const predicted = nodes[a]!.vivaldi.distanceTo(nodes[b]!.vivaldi.coordinate);
    errors.push(Math.abs(predicted - truth(a, b)) / truth(a, b));
  }
  return errors.sort((a, b) => a - b)[errors.length >> 1]!;
}

/** Adds up to 10 %, and makes every twentieth measurement ten times as long. */
const spiky: Simulation["noise"] = (rtt, random) =>
  random() < 0.05 ? rtt * 10 : rtt * (1 + random() * 0.1);

Deno.test("Vivaldi: two nodes converge to their distance", () => {
  const random = seededRandom(1);
  const [a, b] = [new Vivaldi(random), new Vivaldi(random)];
  for (let i = 0; i < 100; i++) {
    a.update(b.coordinate, 30);
    b.update(a.coordinate, 30);
  }
  assert(Math.abs(a.distanceTo(b.coordinate) - 30) < 1);
  assert(a.coordinate.error < 0.1);
});

Deno.test("Vivaldi: ten nodes without noise have a median relative error below 5 %", () => {
  const error = simulate(
    { size: 10, rounds: 200, neighbours: 9, probes: 4, noise: (rtt) => rtt },
    2,
  );
  assert(error < 0.05, `median relative error ${error}`);
});

Deno.test("Vivaldi: a hundred nodes with spikes have a median relative error below 10 %", () => {
  const error = simulate({ size: 100, rounds: 150, neighbours: 16, probes: 4, noise: spiky }, 3);
  assert(error < 0.1, `median relative error ${error}`);
});

Deno.test("Vivaldi: a thousand nodes that probe sixteen each have a median relative error below 12 %", () => {
  const error = simulate({ size: 1000, rounds: 60, neighbours: 16, probes: 4, noise: spiky }, 4);
  assert(error < 0.12, `median relative error ${error}`);
});

Deno.test("Vivaldi: ignores invalid input", () => {
  const vivaldi = new Vivaldi(seededRandom(5));
  vivaldi.update({ ...originCoordinate, vector: [10, 0, 0] }, 20);
  const before = vivaldi.coordinate;
  const good: Coordinate = { ...originCoordinate, vector: [1, 2, 3] };
  for (const rtt of [NaN, -1, Infinity, 10_001]) assert(!vivaldi.update(good, rtt));
  for (
    const bad of [
      { ...good, vector: [1, 2] },
      { ...good, vector: [NaN, 0, 0] },
      { ...good, vector: [1e9, 0, 0] },
      { ...good, height: -1 },
      { ...good, height: Infinity },
      { ...good, adjustment: NaN },
      { ...good, error: -0.1 },
      { ...good, error: 2 },
    ]
  ) assert(!vivaldi.update(bad, 10));
  assert.equal(vivaldi.coordinate, before);
  assert.equal(vivaldi.resets, 0);
});

Deno.test("Vivaldi: resets an invalid coordinate and counts the reset", () => {
  const vivaldi = new Vivaldi(() => Infinity);
  assert(vivaldi.update(originCoordinate, 10));
  assert.deepEqual([vivaldi.coordinate, vivaldi.resets], [originCoordinate, 1]);
  assert(vivaldi.update({ ...originCoordinate, vector: [5, 0, 0] }, 10));
  assert.equal(vivaldi.resets, 1);
});

Deno.test("Vivaldi: false coordinates of other nodes cannot move a node out of bounds", () => {
  const random = seededRandom(7);
  const vivaldi = new Vivaldi(random);
  const anything = (range: number) => (random() - 0.5) * range;
  for (let i = 0; i < 2000; i++) {
    const vector = [anything(2e4), anything(2e4), anything(2e4)];
    vivaldi.update({ vector, height: random() * 1e4, adjustment: anything(2e4), error: 0 }, 9_999);
    const { vector: moved, height } = vivaldi.coordinate;
    assert(moved.every((x) => Math.abs(x) <= 10_000) && height >= 0 && height <= 10_000);
  }
  assert(distance(vivaldi.coordinate, originCoordinate) >= 0);
});

Deno.test("Vivaldi: coinciding nodes separate in a random direction", () => {
  const random = seededRandom(6);
  const [a, b] = [new Vivaldi(random), new Vivaldi(random)];
  a.update(originCoordinate, 10);
  b.update(originCoordinate, 10);
  assert.notDeepEqual(a.coordinate.vector, b.coordinate.vector);
});

Deno.test("LatencyFilter: drops spikes and follows a change", () => {
  const filter = new LatencyFilter();
  assert(Number.isNaN(filter.value));
  assert.equal(filter.add(10), 10);
  assert.deepEqual([500, 11, 10.5, 900].map((rtt) => filter.add(rtt)), [10, 10, 10, 10.5]);
  for (let i = 0; i < 4; i++) filter.add(30);
  assert.equal(filter.value, 30);
});

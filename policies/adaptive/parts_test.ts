import assert from "node:assert/strict";
import { seededRandom } from "../../lib/base/random.ts";
import { Crowding } from "./crowding.ts";
import { Delays } from "./delays.ts";
import { Executions, here } from "./executions.ts";
import { Book, FadingMean } from "./forgetting.ts";
import { Lifetime } from "./lifetime.ts";
import { Money } from "./money.ts";
import { Promises } from "./promises.ts";
import { Shelf } from "./shelf.ts";
import { Way } from "./way.ts";
import { qosClassOf } from "../../tests/contract/policy.ts";

const near = (value: number, expected: number, by: number, what = "") =>
  assert(Math.abs(value - expected) <= by, `${what} ${value} instead of ${expected}`);

const exponential = (random: () => number, mean: number) => -mean * Math.log(1 - random());

Deno.test("a fading mean follows the last samples, and time brings its prior back", () => {
  const mean = new FadingMean(10, 1000);
  for (let i = 0; i < 100; i++) mean.add(1, i);
  near(mean.value(0, 1, 100), 1, 0.15);
  for (let i = 0; i < 20; i++) mean.add(5, 100);
  near(mean.value(5, 0, 100), 5, 0.6);
  near(mean.value(2, 1, 1e6), 2, 0.01);
});

Deno.test("a book forgets what was asked for first when it is full", () => {
  const book = new Book((key: string) => ({ key }), 2);
  const first = book.of("a");
  assert.equal(book.of("a"), first);
  book.of("b");
  book.of("c");
  assert.notEqual(book.of("a"), first);
});

Deno.test("the shape of execution times is right though all are interrupted at one point", () => {
  const random = seededRandom(1);
  const lifetime = new Lifetime();
  const limit = 0.7; // of the mean: half of them are interrupted
  for (let i = 0; i < 3000; i++) {
    const length = exponential(random, 1);
    lifetime.observe(Math.min(length, limit), length <= limit);
  }
  for (const at of [0.1, 0.3, 0.69]) {
    near(lifetime.within(at), 1 - Math.exp(-at), 0.05, `within ${at}`);
    near(lifetime.cut(at), 1 - Math.exp(-at), 0.05, `cut at ${at}`);
  }
});

Deno.test("the shape tells steady execution times from exponential ones", () => {
  const lifetime = new Lifetime();
  for (let i = 0; i < 500; i++) lifetime.observe(1, true);
  assert(lifetime.within(0.7) < 0.1);
  assert(lifetime.within(1.3) > 0.9);
  near(lifetime.cut(Infinity), 1, 0.15);
});

Deno.test("a node that gets slow is known to be so for functions that were not seen there", () => {
  const executions = new Executions();
  for (let i = 0; i < 100; i++) {
    executions.observe(here, "f", 100, true);
    executions.observe(here, "g", 200, true);
    executions.observe("peer", "f", 100, true);
  }
  near(executions.factor("peer"), 1, 0.05);
  for (let i = 0; i < 25; i++) {
    executions.observe(here, "f", 100, true);
    executions.observe("peer", "f", 500, true);
  }
  assert(executions.factor("peer") > 2.5, `${executions.factor("peer")}`);
  assert(executions.meanMs("peer", "g") > 500);
  near(executions.meanMs(here, "g"), 200, 40);
});

Deno.test("a function that changes is known to have changed within a few dozen executions", () => {
  const executions = new Executions();
  for (let i = 0; i < 200; i++) executions.observe(here, "f", 100, true);
  for (let i = 0; i < 40; i++) executions.observe(here, "f", 400, true);
  near(executions.meanMs(here, "f"), 400, 60);
  assert(executions.of(here, "f").within(200) < 0.3);
});

Deno.test("a function that nobody has seen is worth a try", () => {
  const executions = new Executions();
  assert.equal(executions.of(here, "f").within(100), 1);
  assert.equal(executions.of(here, "f").within(0), 0);
  assert.equal(executions.of(here, "f").heldMs(100), 0);
});

Deno.test("delays are a distribution, not a mean", () => {
  const delays = new Delays();
  for (let i = 0; i < 12; i++) delays.add(i % 2 === 0 ? 0 : 1000);
  assert.equal(delays.expected((ms) => ms < 500 ? 1 : 0, NaN), 0.5);
  assert.equal(new Delays().expected((ms) => ms, 300), 300);
});

Deno.test("the way's constant part and its part by size are told apart", () => {
  const random = seededRandom(2);
  const way = new Way();
  for (let i = 0; i < 300; i++) {
    const bytes = 1_000_000 * random();
    way.observe(bytes, 20 + bytes * 8e-4, i);
  }
  near(way.slope, 8e-4, 5e-5);
  near(way.expectedMs(500_000, 20, 300), 420, 30);
});

Deno.test("an old way counts no more than the round trip that probes tell", () => {
  const way = new Way();
  for (let i = 0; i < 20; i++) way.observe(0, 20, i);
  near(way.expectedMs(0, 20, 20), 20, 1);
  near(way.expectedMs(0, 300, 10_000), 300, 1);
});

Deno.test("the price of money lets through what the budget can pay, the best first", () => {
  const money = new Money(3600, 0); // 1 a second
  const random = seededRandom(3);
  let spent = 0;
  let worth = 0;
  for (let now = 0; now < 600_000; now += 100) {
    const gain = random(); // 10 a second that cost 1 each
    money.consider(gain, 1, now);
    if (gain < money.price || !money.covers(1, now)) continue;
    money.spend(1);
    spent++;
    worth += gain;
  }
  near(spent, 600, 30, "a minute of it is kept in hand");
  assert(worth / spent > 0.9, `${worth / spent}: the best tenth are worth 0.95`);
});

Deno.test("money without a limit has no price", () => {
  const money = new Money(Infinity, 0);
  for (let now = 0; now < 1000; now++) money.consider(1, 1, now);
  assert.equal(money.price, 0);
  assert(money.covers(1e12, 1000));
});

Deno.test("memory has a price only where others lose by its being taken", () => {
  const crowding = new Crowding();
  let now = 0;
  for (let i = 0; i < 100; i++) {
    const low = crowding.enter("f", 0.1, now);
    crowding.leave(low, now += 100);
    const high = crowding.enter("f", 0.95, now);
    crowding.foundNoRoom(1, 100);
    crowding.leave(high, now += 100);
  }
  near(crowding.memoryCost(0.1, 100, 100, now), 0, 1e-9);
  near(crowding.memoryCost(0.95, 100, 100, now), 1, 0.1);
});

Deno.test("a warm instance has the price of what those lose who find none", () => {
  const crowding = new Crowding();
  for (let now = 0; now < 10_000; now += 100) {
    const stay = crowding.enter("f", 0.5, now);
    const other = crowding.enter("g", 0.5, now);
    for (let loser = 0; loser < 5; loser++) crowding.foundNoneWarm("f", 0.2);
    crowding.leave(stay, now + 100);
    crowding.leave(other, now + 100);
  }
  near(crowding.warmCost("f", 100, 10_000), 0.4, 0.05, "it would have served two of the five");
  assert.equal(crowding.warmCost("g", 100, 10_000), 0);
  near(crowding.evictionCost(10_000), 3000 * (0.4 / 100 + 0) / 2, 1, "a mean over the functions");
});

Deno.test("a promised class gets the bonus with which its share is worth serving", () => {
  const promises = new Promises();
  const promised = qosClassOf({ id: 1, completion: 0.6 });
  let count = 0;
  let served = 0;
  /** One request; serving it costs from 0 to 9 beyond its utility. */
  const live = (costs: number) => {
    promises.considered(promised, costs);
    const isServed = promises.bonus(promised) >= costs;
    promises.settled(promised, isServed ? 1 : 0);
    count++;
    if (isServed) served++;
  };
  for (let i = 0; i < 2000; i++) live((i * 7) % 10);
  near(served / count, 0.6, 0.05, "as much as is promised");
  near(promises.bonus(promised), 5.5, 1, "the cheapest are served");
  for (let i = 0; i < 2000; i++) live(-1);
  assert.equal(promises.bonus(promised), 0, "it is served without one");
  promises.considered(qosClassOf(), 5);
  assert.equal(promises.bonus(qosClassOf()), 0, "nothing is promised to others");
});

Deno.test("what another node has warm is known from what was sent there", () => {
  const shelf = new Shelf();
  shelf.told("f", false, 1000, 0);
  for (let i = 0; i < 3; i++) shelf.sent("f", 300, 1);
  assert.equal(shelf.hasIdle("f"), false);
  for (let i = 0; i < 3; i++) {
    shelf.back("f");
    shelf.served("f", 300, false, true);
  }
  for (let i = 0; i < 3; i++) {
    assert(shelf.hasIdle("f"));
    shelf.sent("f", 300, 2);
  }
  assert.equal(shelf.hasIdle("f"), false);
  for (let i = 0; i < 3; i++) shelf.back("f");
  shelf.sent("g", 800, 3);
  shelf.back("g");
  shelf.served("g", 800, false, true);
  assert(shelf.hasIdle("g"));
  assert.equal(shelf.hasIdle("f"), false, "there is no room for both");
});

Deno.test("news of an idle node count more than what was believed of it", () => {
  const shelf = new Shelf();
  shelf.told("f", false, 1000, 0);
  shelf.sent("f", 100, 1);
  shelf.back("f");
  shelf.served("f", 100, false, true);
  shelf.told("f", false, 1000, 0.5);
  assert(shelf.hasIdle("f"), "told before");
  shelf.told("f", false, 1000, 2);
  assert.equal(shelf.hasIdle("f"), false);
  shelf.told("f", true, 1000, 3);
  assert(shelf.hasIdle("f"));
});

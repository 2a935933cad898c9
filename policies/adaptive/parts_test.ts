import assert from "node:assert/strict";
import { seededRandom } from "../../lib/base/random.ts";
import { ShadowPrices } from "./shadow_prices.ts";
import { Delays } from "./delays.ts";
import { Executions, here } from "./executions.ts";
import { BoundedMap, FadingMean } from "./fading.ts";
import { Lifetime } from "./lifetime.ts";
import { BudgetPrice } from "./budget_price.ts";
import { CompletionConstraints } from "./completion.ts";
import { WarmInstanceModel } from "./warm_instances.ts";
import { NetworkCost } from "./network_cost.ts";
import { qosClassOf } from "../../tests/contract/policy.ts";

const near = (value: number, expected: number, by: number, what = "") =>
  assert(Math.abs(value - expected) <= by, `${what} ${value} instead of ${expected}`);

const exponential = (random: () => number, mean: number) => -mean * Math.log(1 - random());

Deno.test("FadingMean: follows the last samples and returns to its prior with time", () => {
  const mean = new FadingMean(10, 1000);
  for (let i = 0; i < 100; i++) mean.add(1, i);
  near(mean.value(0, 1, 100), 1, 0.15);
  for (let i = 0; i < 20; i++) mean.add(5, 100);
  near(mean.value(5, 0, 100), 5, 0.6);
  near(mean.value(2, 1, 1e6), 2, 0.01);
});

Deno.test("BoundedMap: evicts the oldest key when it is full", () => {
  const map = new BoundedMap((key: string) => ({ key }), 2);
  const first = map.of("a");
  assert.equal(map.of("a"), first);
  map.of("b");
  map.of("c");
  assert.notEqual(map.of("a"), first);
});

Deno.test("Lifetime: estimates an exponential distribution although all samples are censored at one point", () => {
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

Deno.test("Lifetime: distinguishes constant execution times from exponential ones", () => {
  const lifetime = new Lifetime();
  for (let i = 0; i < 500; i++) lifetime.observe(1, true);
  assert(lifetime.within(0.7) < 0.1);
  assert(lifetime.within(1.3) > 0.9);
  near(lifetime.cut(Infinity), 1, 0.15);
});

Deno.test("Executions: applies the slowdown of a node to functions that never ran there", () => {
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

Deno.test("Executions: follows a function that slows down within a few dozen executions", () => {
  const executions = new Executions();
  for (let i = 0; i < 200; i++) executions.observe(here, "f", 100, true);
  for (let i = 0; i < 40; i++) executions.observe(here, "f", 400, true);
  near(executions.meanMs(here, "f"), 400, 60);
  assert(executions.of(here, "f").within(200) < 0.3);
});

Deno.test("Executions: expects an unknown function to be in time", () => {
  const executions = new Executions();
  assert.equal(executions.of(here, "f").within(100), 1);
  assert.equal(executions.of(here, "f").within(0), 0);
  assert.equal(executions.of(here, "f").heldMs(100), 0);
});

Deno.test("Delays: take expectations over the distribution of the samples", () => {
  const delays = new Delays();
  for (let i = 0; i < 12; i++) delays.add(i % 2 === 0 ? 0 : 1000);
  assert.equal(delays.expectation((ms) => ms < 500 ? 1 : 0, NaN), 0.5);
  assert.equal(new Delays().expectation((ms) => ms, 300), 300);
});

Deno.test("NetworkCost: separates the constant from the part proportional to size", () => {
  const random = seededRandom(2);
  const cost = new NetworkCost();
  for (let i = 0; i < 300; i++) {
    const bytes = 1_000_000 * random();
    cost.observe(bytes, 20 + bytes * 8e-4, i);
  }
  near(cost.slope, 8e-4, 5e-5);
  near(cost.expectedMs(500_000, 20, 300), 420, 30);
});

Deno.test("NetworkCost: prefers the measured round trip to old samples", () => {
  const cost = new NetworkCost();
  for (let i = 0; i < 20; i++) cost.observe(0, 20, i);
  near(cost.expectedMs(0, 20, 20), 20, 1);
  near(cost.expectedMs(0, 300, 10_000), 300, 1);
});

Deno.test("BudgetPrice: admits the requests of highest gain that the budget covers", () => {
  const budgetPrice = new BudgetPrice(3600, 0); // 1 a second
  const random = seededRandom(3);
  let spent = 0;
  let utility = 0;
  for (let now = 0; now < 600_000; now += 100) {
    const gain = random(); // 10 a second that cost 1 each
    budgetPrice.recordCandidate(gain, 1, now);
    if (gain < budgetPrice.price || !budgetPrice.covers(1, now)) continue;
    budgetPrice.spend(1);
    spent++;
    utility += gain;
  }
  near(spent, 600, 30, "a minute of the budget is kept as balance");
  assert(utility / spent > 0.9, `${utility / spent}: the best tenth are worth 0.95`);
});

Deno.test("BudgetPrice: is zero without a limit", () => {
  const budgetPrice = new BudgetPrice(Infinity, 0);
  for (let now = 0; now < 1000; now++) budgetPrice.recordCandidate(1, 1, now);
  assert.equal(budgetPrice.price, 0);
  assert(budgetPrice.covers(1e12, 1000));
});

Deno.test("ShadowPrices: price memory only at occupancies at which others lost utility", () => {
  const shadowPrices = new ShadowPrices();
  let now = 0;
  for (let i = 0; i < 100; i++) {
    const low = shadowPrices.enter("f", 0.1, now);
    shadowPrices.leave(low, now += 100);
    const high = shadowPrices.enter("f", 0.95, now);
    shadowPrices.recordNoRoom(1, 100);
    shadowPrices.leave(high, now += 100);
  }
  near(shadowPrices.memoryCost(0.1, 100, 100, now), 0, 1e-9);
  near(shadowPrices.memoryCost(0.95, 100, 100, now), 1, 0.1);
});

Deno.test("ShadowPrices: price a warm instance at the utility lost for lack of one", () => {
  const shadowPrices = new ShadowPrices();
  for (let now = 0; now < 10_000; now += 100) {
    const residence = shadowPrices.enter("f", 0.5, now);
    const other = shadowPrices.enter("g", 0.5, now);
    for (let loser = 0; loser < 5; loser++) shadowPrices.recordNoneWarm("f", 0.2);
    shadowPrices.leave(residence, now + 100);
    shadowPrices.leave(other, now + 100);
  }
  near(shadowPrices.warmCost("f", 100, 10_000), 0.4, 0.05, "it would have served two of the five");
  assert.equal(shadowPrices.warmCost("g", 100, 10_000), 0);
  near(
    shadowPrices.evictionCost(10_000),
    3000 * (0.4 / 100 + 0) / 2,
    1,
    "a mean over the functions",
  );
});

Deno.test("CompletionConstraints: give a class the bonus at which its share is worth serving", () => {
  const constraints = new CompletionConstraints();
  const constrained = qosClassOf({ id: 1, completion: 0.6 });
  let count = 0;
  let served = 0;
  /** One request; serving it costs from 0 to 9 beyond its utility. */
  const live = (costs: number) => {
    constraints.recordNeeded(constrained, costs);
    const isServed = constraints.bonus(constrained) >= costs;
    constraints.recordOutcome(constrained, isServed ? 1 : 0);
    count++;
    if (isServed) served++;
  };
  for (let i = 0; i < 2000; i++) live((i * 7) % 10);
  near(served / count, 0.6, 0.05, "the required share");
  near(constraints.bonus(constrained), 5.5, 1, "the cheapest are served");
  for (let i = 0; i < 2000; i++) live(-1);
  assert.equal(constraints.bonus(constrained), 0, "it is served without one");
  constraints.recordNeeded(qosClassOf(), 5);
  assert.equal(constraints.bonus(qosClassOf()), 0, "other classes have no constraint");
});

Deno.test("WarmInstanceModel: predicts idle instances from the requests sent", () => {
  const instances = new WarmInstanceModel();
  instances.recordStatus("f", false, 1000, 0);
  for (let i = 0; i < 3; i++) instances.recordSent("f", 300, 1);
  assert.equal(instances.hasIdle("f"), false);
  for (let i = 0; i < 3; i++) {
    instances.recordReturned("f");
    instances.recordServed("f", 300, false, true);
  }
  for (let i = 0; i < 3; i++) {
    assert(instances.hasIdle("f"));
    instances.recordSent("f", 300, 2);
  }
  assert.equal(instances.hasIdle("f"), false);
  for (let i = 0; i < 3; i++) instances.recordReturned("f");
  instances.recordSent("g", 800, 3);
  instances.recordReturned("g");
  instances.recordServed("g", 800, false, true);
  assert(instances.hasIdle("g"));
  assert.equal(instances.hasIdle("f"), false, "there is no room for both");
});

Deno.test("WarmInstanceModel: trusts the status of a node with nothing in flight", () => {
  const instances = new WarmInstanceModel();
  instances.recordStatus("f", false, 1000, 0);
  instances.recordSent("f", 100, 1);
  instances.recordReturned("f");
  instances.recordServed("f", 100, false, true);
  instances.recordStatus("f", false, 1000, 0.5);
  assert(instances.hasIdle("f"), "older than the request");
  instances.recordStatus("f", false, 1000, 2);
  assert.equal(instances.hasIdle("f"), false);
  instances.recordStatus("f", true, 1000, 3);
  assert(instances.hasIdle("f"));
});

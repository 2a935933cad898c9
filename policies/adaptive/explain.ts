/**
 * What was learned, as tables for people.
 *
 * @module
 */

import type { Explanation } from "../../lib/policy.ts";
import type { Book } from "./forgetting.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Delays } from "./delays.ts";
import { here } from "./executions.ts";

/** Most rows of one table. */
const maxRows = 100;

/**
 * The estimates of this moment.
 *
 * @param knowledge what was learned
 * @param now monotonic time, ms
 */
export function explain(knowledge: Knowledge, now: number): Explanation["estimates"] {
  const { executions, stations, startsHere, startsThere, crowding, money } = knowledge;
  const functions = executions.functions.slice(0, maxRows).map((name) => ({
    function: name,
    executionMs: round(executions.meanMs(here, name)),
    startHereMs: meanOf(startsHere.of(name)),
    startElsewhereMs: meanOf(startsThere.of(name)),
  }));
  const nodes = [...stations.entries].slice(0, maxRows).map(([name, station]) => ({
    node: name,
    timesSlower: round(executions.factor(name)),
    wayMs: round(station.way.expectedMs(0, 0, now)),
    waitMs: round(meanWait(station.waits)),
    correction: round(station.correction(now)),
  }));
  const memory = crowding.prices(now).map((price, level, { length }) => ({
    busyFrom: `${Math.round(100 * level / length)} %`,
    pricePerGibS: round(price),
  }));
  const budget = [{
    priceOfMoney: round(money.price),
    inHand: round(money.inHand),
    spent: round(money.spent),
  }];
  return { functions, nodes, memory, budget };
}

function meanWait(waits: Book<string, Delays>): number {
  const means = Array.from(waits.entries, ([, delays]) => delays.mean(0));
  return means.reduce((sum, ms) => sum + ms, 0) / Math.max(1, means.length);
}

function meanOf(delays: Delays): number | null {
  return delays.count === 0 ? null : round(delays.mean(NaN));
}

/** Three digits; null for what is not known or has no bound. */
function round(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : null;
}

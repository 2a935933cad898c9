/**
 * What was learned, as tables for people.
 *
 * @module
 */

import type { Explanation } from "../../lib/policy/contract.ts";
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
  const { executions, stations, startsHere, startsThere, crowding, money, promises } = knowledge;
  const functions = executions.functions.slice(0, maxRows).map((name) => ({
    function: name,
    executionMs: round(executions.meanMs(here, name)),
    startHereMs: meanOf(startsHere.of(name)),
    startElsewhereMs: meanOf(startsThere.of(name)),
    warmPricePerS: round(crowding.warmCost(name, 1000, now)),
  }));
  const nodes = [...stations.entries].slice(0, maxRows).map(([name, station]) => ({
    node: name,
    timesSlower: round(executions.factor(name)),
    wayMs: round(station.way.expectedMs(0, 0, now)),
    waitMs: round(meanWait(station.waits)),
    correction: round(station.correction(now)),
  }));
  const known = [...stations.entries];
  const willingness = known.flatMap(([node, station]) =>
    Array.from(station.willingnesses(now), (each) => ({ node, ...rounded(each) }))
  ).slice(0, maxRows);
  const coldStarts = known.flatMap(([node, station]) =>
    Array.from(station.coldShares(now), (each) => ({ node, ...rounded(each) }))
  ).slice(0, maxRows);
  const classes = Array.from(promises.bonuses(), rounded).slice(0, maxRows);
  const memory = crowding.prices(now).map((price, level, { length }) => ({
    busyFrom: `${Math.round(100 * level / length)} %`,
    pricePerGibS: round(price),
  }));
  const budget = [{
    priceOfMoney: round(money.price),
    inHand: round(money.inHand),
    spent: round(money.spent),
  }];
  return { functions, nodes, willingness, coldStarts, promises: classes, memory, budget };
}

function meanWait(waits: Book<string, Delays>): number {
  const means = Array.from(waits.entries, ([, delays]) => delays.mean(0));
  return means.reduce((sum, ms) => sum + ms, 0) / Math.max(1, means.length);
}

function meanOf(delays: Delays): number | null {
  return delays.count === 0 ? null : round(delays.mean(NaN));
}

/** A row with its numbers rounded. */
function rounded<T extends Record<string, string | number>>(row: T) {
  const cells = Object.entries(row).map(([key, value]) =>
    [key, typeof value === "number" ? round(value) : value] as const
  );
  return Object.fromEntries(cells);
}

/** Three digits; null for what is not known or has no bound. */
function round(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : null;
}

/**
 * Estimates of the policy as tables for people.
 *
 * @module
 */

import type { Explanation } from "../../lib/policy/contract.ts";
import type { BoundedMap } from "./fading.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Delays } from "./delays.ts";
import { here } from "./executions.ts";

/** Maximum number of rows of one table. */
const maxRows = 100;

/**
 * Returns the current estimates.
 *
 * @param knowledge the policy's estimates
 * @param now monotonic time, ms
 */
export function explain(knowledge: Knowledge, now: number): Explanation["estimates"] {
  const {
    executions,
    peerModels,
    localStarts,
    remoteStarts,
    shadowPrices,
    budgetPrice,
    completion,
  } = knowledge;
  const functions = executions.functions.slice(0, maxRows).map((name) => ({
    function: name,
    executionMs: round(executions.meanMs(here, name)),
    startHereMs: meanOf(localStarts.of(name)),
    startElsewhereMs: meanOf(remoteStarts.of(name)),
    warmPricePerS: round(shadowPrices.warmCost(name, 1000, now)),
  }));
  const nodes = [...peerModels.entries].slice(0, maxRows).map(([name, peerModel]) => ({
    node: name,
    timesSlower: round(executions.factor(name)),
    networkMs: round(peerModel.networkCost.expectedMs(0, 0, now)),
    waitMs: round(meanWait(peerModel.waits)),
    correction: round(peerModel.correction(now)),
  }));
  const known = [...peerModels.entries];
  const acceptance = known.flatMap(([node, peerModel]) =>
    Array.from(peerModel.acceptances(now), (each) => ({ node, ...rounded(each) }))
  ).slice(0, maxRows);
  const coldStarts = known.flatMap(([node, peerModel]) =>
    Array.from(peerModel.coldShares(now), (each) => ({ node, ...rounded(each) }))
  ).slice(0, maxRows);
  const bonuses = Array.from(completion.bonuses(), rounded).slice(0, maxRows);
  const memory = shadowPrices.memoryPrices(now).map((price, level, { length }) => ({
    busyFrom: `${Math.round(100 * level / length)} %`,
    pricePerGibS: round(price),
  }));
  const budget = [{
    budgetPrice: round(budgetPrice.price),
    balance: round(budgetPrice.balance),
    spent: round(budgetPrice.spent),
  }];
  return { functions, nodes, acceptance, coldStarts, completion: bonuses, memory, budget };
}

function meanWait(waits: BoundedMap<string, Delays>): number {
  const means = Array.from(waits.entries, ([, delays]) => delays.mean(0));
  return means.reduce((sum, ms) => sum + ms, 0) / Math.max(1, means.length);
}

function meanOf(delays: Delays): number | null {
  return delays.count === 0 ? null : round(delays.mean(NaN));
}

/** Rounds the numbers of a row. */
function rounded<T extends Record<string, string | number>>(row: T) {
  const cells = Object.entries(row).map(([key, value]) =>
    [key, typeof value === "number" ? round(value) : value] as const
  );
  return Object.fromEntries(cells);
}

/** Rounds to three digits; null for NaN and infinity. */
function round(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : null;
}

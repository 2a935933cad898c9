/**
 * The background service that has the scheduling policy plan.
 *
 * @module
 */

import { noPeers } from "../cluster/peers/no_peers.ts";
import { Planner } from "../scheduler/planner.ts";
import type { Counter, MetricRegistry } from "../telemetry/prometheus.ts";
import type { BackgroundService } from "./base.ts";
import type { NodeParts } from "./services.ts";

type Parts = Pick<
  NodeParts,
  "config" | "clock" | "policy" | "scheduler" | "ledger" | "cluster" | "metrics"
>;

/**
 * Starts planning.
 *
 * @returns undefined for a policy that plans nothing
 */
export function startPlanning(
  { config, clock, policy, scheduler, ledger, cluster, metrics }: Parts,
): BackgroundService | undefined {
  if (!policy.plan) return undefined;
  const plans = countPlans(metrics.registry);
  let problem: string | undefined;
  const planner = new Planner({
    policy,
    clock,
    intervalMs: config["policy.plan.interval"] * 1000,
    statistics: (seconds) => ({
      arrivals: scheduler.arrivals(seconds),
      memoryMib: ledger.balance.totalMemory,
      ...(cluster ?? noPeers).summary(),
    }),
    onPlanned(error) {
      plans.inc(error?.code ?? "OK");
      problem = error && `policy: ${policy.name} cannot plan: ${error.message}`;
    },
  });
  return {
    problems: () => problem === undefined ? [] : [problem],
    [Symbol.dispose]: () => planner[Symbol.dispose](),
  };
}

/** Registers the counter of plans. */
export function countPlans(registry: MetricRegistry): Counter {
  const help = "Plans of the scheduling policy by outcome (OK or an error code)";
  return registry.counter("serverledge_plans_total", help, ["outcome"]);
}

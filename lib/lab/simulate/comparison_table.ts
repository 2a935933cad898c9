/**
 * Tables of a comparison of policies.
 *
 * @module
 */

import type { ClassResult, Comparison, PolicyResult } from "../simulator/results/results.ts";
import type { Estimate } from "../statistics.ts";
import { formatTable } from "../../cli/view/table.ts";

/** Formats a comparison as two tables: by policy, and by policy and class. */
export function comparisonTable(comparison: Comparison): string {
  const { about, seconds, warmup, seeds, budget, policies } = comparison;
  const what = `${seconds} s` + (warmup > 0 ? ` after ${warmup} s` : "") +
    `, ${seeds.length} ${seeds.length === 1 ? "seed" : "seeds, ± 95 % confidence"}` +
    (budget === null ? "" : `, budget ${budget} per node and hour`);
  return [about, what, "", policyTable(policies), "", classTable(policies)].join("\n");
}

function policyTable(policies: readonly PolicyResult[]): string {
  const first = policies[0]!.policy;
  return formatTable(
    [
      "POLICY",
      ">UTILITY/S",
      `>MORE THAN ${first.toUpperCase()}`,
      ">CLOUD COST/H",
      "",
    ],
    policies.map(({ policy, utility, gain, cost, overBudget, promisesBroken }, at) => [
      policy,
      number(utility, 3),
      at === 0 ? "" : number(gain, 3),
      number(cost, 3),
      [overBudget > 0 ? "over budget" : "", promisesBroken > 0 ? "completion missed" : ""]
        .filter(Boolean).join(", "),
    ]),
  );
}

function classTable(policies: readonly PolicyResult[]): string {
  const row = (policy: string, one: ClassResult) => [
    policy,
    one.name,
    percent(one.inTime),
    percent(one.served),
    percent(one.dropped),
    percent(one.late),
    ...[one.meanMs, one.p50Ms, one.p95Ms, one.p99Ms].map((time) =>
      number({ ...time, ci: null }, 0)
    ),
    [one.local, one.edge, one.cloud].map(({ mean }) => (100 * mean).toFixed(0)).join("/"),
    percent({ ...one.cold, ci: null }),
    number(one.utility, 3),
  ];
  return formatTable(
    "POLICY|CLASS|>IN TIME %|>SERVED %|>DROPPED %|>LATE %|>MEAN MS|>P50|>P95|>P99|>HERE/EDGE/CLOUD %|>COLD %|>UTILITY/S"
      .split("|"),
    policies.flatMap(({ policy, classes }) => classes.map((one) => row(policy, one))),
  );
}

function percent({ mean, ci }: Estimate): string {
  return number({ mean: 100 * mean, ci: ci === null ? null : 100 * ci }, 1);
}

function number({ mean, ci }: Estimate, digits: number): string {
  if (Number.isNaN(mean)) return "-";
  return mean.toFixed(digits) + (ci === null ? "" : ` ± ${ci.toFixed(digits)}`);
}

/**
 * How long a simulated hour of the FGCS setup takes: 180,000 requests, five edge nodes, a cloud.
 *
 * @module
 */

import { makeScenario } from "../../../lib/lab/simulator/scenario/scenario.ts";
import { simulate } from "../../../lib/lab/simulator/simulation.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";
import { scenarioNamed } from "./jobs.ts";

/** One that is cheap to ask, one that solves, one that learns. */
const policies = ["qosaware", "probabilistic", "adaptive"] as const;
/** Requests that must have been answered: 50 a second, less a few for chance. */
const leastRequests = 170_000;

/** Measures; the slowest policy's figure is the suite's. */
export async function measureSimulatedHour(results: Results): Promise<void> {
  const file = await scenarioNamed("fgcs-poisson", { duration: 3600, warmup: 0 });
  const slowest: number[] = [];
  for (const policy of policies) {
    const samples = await inRounds(async (round) => {
      const from = performance.now();
      const { tally } = await simulate(makeScenario(file, round + 1), policy, (problem) => {
        throw new Error(problem);
      });
      const seconds = (performance.now() - from) / 1000;
      const arrived = tally.classes.reduce((sum, each) => sum + each.arrived, 0);
      if (arrived < leastRequests) {
        throw new Error(
          `Only ${arrived} requests arrived in an hour: expected at least ${leastRequests}`,
        );
      }
      return seconds;
    });
    results.add(`simulated_hour_s_${policy}`, "s", samples);
    samples.forEach((sample, at) => slowest[at] = Math.max(slowest[at] ?? 0, sample));
  }
  results.add("simulated_hour_s", "s", slowest);
}

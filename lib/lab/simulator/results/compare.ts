/**
 * Runs a scenario with several policies and seeds. In each seed all policies meet the same requests
 * with the same execution times, so that their differences are not those of chance.
 *
 * @module
 */

import { type Comparison, policyResult, type SeedRun, utilityOf } from "./results.ts";
import { makeScenario } from "../scenario/scenario.ts";
import type { ScenarioFile } from "../scenario/schema.ts";
import { simulate } from "../simulation.ts";

/** What to compare. */
export interface ComparisonOptions {
  /** The scenario. */
  readonly file: ScenarioFile;
  /** Names of policies, or paths of their files. */
  readonly policies: readonly string[];
  /** Seeds. */
  readonly seeds: readonly number[];
  /** Hears of users' policies that throw or decide what is not allowed. */
  readonly warn: (problem: string) => void;
  /** Hears of each run that begins. */
  readonly progress?: (policy: string, seed: number) => void;
}

/**
 * Compares policies.
 *
 * @param options what to compare
 * @throws `INVALID_REQUEST` if there is no such policy
 */
export async function compare(options: ComparisonOptions): Promise<Comparison> {
  const { file, policies, seeds, warn, progress } = options;
  const scenarios = seeds.map((seed) => makeScenario(file, seed));
  const all: { policy: string; runs: SeedRun[] }[] = [];
  for (const policy of policies) {
    const runs: SeedRun[] = [];
    for (const scenario of scenarios) {
      progress?.(policy, scenario.seed);
      runs.push({ scenario, run: await simulate(scenario, policy, warn) });
    }
    all.push({ policy, runs });
  }
  const first = all[0]!.runs.map(utilityOf);
  const { about, duration, warmup, budget } = scenarios[0]!;
  return {
    about,
    seconds: duration - warmup,
    warmup,
    seeds,
    budget: Number.isFinite(budget) ? budget : null,
    policies: all.map(({ policy, runs }) => policyResult(policy, runs, first)),
  };
}

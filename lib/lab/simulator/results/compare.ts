/**
 * Comparison of policies over several seeds. For each seed all policies receive the same requests with the
 * same execution times, so that differences are not random.
 *
 * @module
 */

import { type Comparison, policyResult, type SeedRun, utilityOf } from "./results.ts";
import { makeScenario } from "../scenario/scenario.ts";
import type { ScenarioFile } from "../scenario/schema.ts";
import { simulate } from "../simulation.ts";

/** Options of a comparison. */
export interface ComparisonOptions {
  readonly file: ScenarioFile;
  /** Names of policies, or paths of their files. */
  readonly policies: readonly string[];
  readonly seeds: readonly number[];
  /** Called if a user's policy throws, makes a decision that is not allowed, or uses a former field name. */
  readonly warn: (problem: string) => void;
  /** Called at the start of each run. */
  readonly progress?: (policy: string, seed: number) => void;
}

/**
 * Compares policies.
 *
 * @param options scenario, policies and seeds
 * @throws `CONFIG_INVALID` if there is no such policy
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

/**
 * Runs simulations in a worker: takes jobs, answers each with its result.
 *
 * @module
 */

import {
  isOverBudget,
  missesCompletion,
  utilityOf,
} from "../../../lib/lab/simulator/results/results.ts";
import { makeScenario } from "../../../lib/lab/simulator/scenario/scenario.ts";
import { simulate } from "../../../lib/lab/simulator/simulation.ts";
import type { Job, JobResult } from "./jobs.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Job>) => void;
  postMessage(result: JobResult): void;
};

scope.onmessage = async ({ data: { file, policy, seed } }) => {
  const scenario = makeScenario(file, seed);
  const run = await simulate(scenario, policy, (problem) => {
    throw new Error(problem);
  });
  const { perSecond, flows } = run.tally;
  scope.postMessage({
    utility: utilityOf({ scenario, run }),
    inBounds: !isOverBudget({ scenario, run }) && !missesCompletion({ scenario, run }),
    perSecond,
    flows,
  });
};

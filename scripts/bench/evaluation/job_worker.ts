/**
 * Runs simulations in a worker: takes jobs, answers each with its result.
 *
 * @module
 */

import { breaksPromise, isOverBudget, utilityOf } from "../../../lib/simulator/results.ts";
import { makeScenario } from "../../../lib/simulator/scenario.ts";
import { simulate } from "../../../lib/simulator/simulation.ts";
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
    inBounds: !isOverBudget({ scenario, run }) && !breaksPromise({ scenario, run }),
    perSecond,
    flows,
  });
};

/**
 * Simulations on all cores: each run is a job for a worker.
 *
 * @module
 */

import { parse } from "yaml";
import { readScenario } from "../../../lib/lab/simulator/scenario/scenario.ts";
import { readScenarioFile } from "../../../lib/lab/simulator/scenario/file.ts";
import type { ScenarioFile } from "../../../lib/lab/simulator/scenario/schema.ts";
import { root } from "../../project.ts";

/** One run. */
export interface Job {
  /** The scenario. */
  readonly file: ScenarioFile;
  /** The policy. */
  readonly policy: string;
  /** The seed. */
  readonly seed: number;
}

/** What came of it. */
export interface JobResult {
  /** Utility per second. */
  readonly utility: number;
  /** False if a node spent more in the cloud than it may, or a promise was broken. */
  readonly inBounds: boolean;
  /** Utility by second of arrival. */
  readonly perSecond: Float64Array;
  /** Requests that came, by `flowKey`. */
  readonly flows: ReadonlyMap<string, number>;
}

/**
 * Reads a scenario of the project.
 *
 * @param name its file's name without the ending
 * @param change what to replace in it
 */
export async function scenarioNamed(
  name: string,
  change: Readonly<Record<string, unknown>> = {},
): Promise<ScenarioFile> {
  const path = `${root}examples/scenarios/${name}.yaml`;
  const value = await readScenarioFile(
    path,
    async (file) => parse(await Deno.readTextFile(file)),
  );
  return readScenario({ ...value, ...change });
}

/**
 * Runs jobs, as many at once as there are cores.
 *
 * @param jobs what to run
 * @returns the results, in the order of the jobs
 */
export async function runJobs(jobs: readonly Job[]): Promise<JobResult[]> {
  const results: JobResult[] = [];
  let next = 0;
  const work = async () => {
    const worker = new Worker(new URL("./job_worker.ts", import.meta.url), { type: "module" });
    try {
      while (next < jobs.length) {
        const at = next++;
        results[at] = await ask(worker, jobs[at]!);
      }
    } finally {
      worker.terminate();
    }
  };
  const count = Math.min(jobs.length, navigator.hardwareConcurrency);
  await Promise.all(Array.from({ length: count }, work));
  return results;
}

function ask(worker: Worker, job: Job): Promise<JobResult> {
  const { promise, resolve, reject } = Promise.withResolvers<JobResult>();
  worker.onmessage = ({ data }: MessageEvent<JobResult>) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage(job);
  return promise;
}

/**
 * The continuum of experiment `offload` in the simulator: the same nodes, the same load step by
 * step, the policies' own code.
 *
 * @module
 */

import {
  classes,
  functionName,
  instanceMib,
  type LoadClass,
  napSeconds,
  queueCapacity,
} from "../continuum/model.ts";
import { policyResult } from "../../lib/lab/simulator/results/results.ts";
import { makeScenario, readScenario } from "../../lib/lab/simulator/scenario/scenario.ts";
import type { ScenarioFile } from "../../lib/lab/simulator/scenario/schema.ts";
import { simulate } from "../../lib/lab/simulator/simulation.ts";
import { entryShares } from "../continuum/users.ts";
import type { Extent, OffloadPoint } from "./offload_extent.ts";

/** Runs of each point, whose mean counts: the more, the less chance is in the simulator's part. */
const seeds = [1, 2, 3, 4, 5];

/** One way between nodes of one area, which on the measured machine is none, ms. */
const areaMs = 0.1;

/** What real nodes measured that the simulator cannot know. */
export interface Calibration {
  /** What an invocation takes in addition to its sleep, ms. */
  readonly ownMs: number;
  /** What a response of the cloud takes in addition to the network and an invocation at the edge, ms. */
  readonly hopMs: number;
}

/** What one class got at one point. */
export interface ClassFigures {
  /** Good answers per second. */
  readonly served: number;
  /** Mean response time of these, ms; undefined if there was none. */
  readonly meanMs: number | undefined;
}

/**
 * Reads from the lightest load, where nobody waits, what a machine adds.
 *
 * @param rows all measured points
 */
export function calibrate(rows: readonly OffloadPoint[]): Calibration {
  const light = Math.min(...rows.map(({ users }) => users));
  const mean = (policy: string, known: (row: OffloadPoint) => number) => {
    const points = rows.filter((row) => row.policy === policy && row.users === light);
    const ms = points.map((row) => (row.meanAllMs ?? NaN) - known(row));
    const weights = points.map(({ servedAll }) => servedAll);
    return sum(ms.map((each, at) => each * weights[at]!)) / sum(weights);
  };
  const ownMs = mean("edgeonly", () => napSeconds * 1000);
  // To the cloud's balancer and from there to one of its nodes, and back.
  const networkMs = (delayMs: number) => 2 * (delayMs + areaMs);
  const hopMs = mean("cloudonly", ({ delayMs }) => napSeconds * 1000 + ownMs + networkMs(delayMs));
  return { ownMs: Math.max(0, ownMs), hopMs: Math.max(0, hopMs) };
}

/**
 * Simulates one point with all that came before it on the same nodes, since policies learn.
 *
 * @param rows the points of one policy and delay up to that one
 * @param extent what was measured
 * @param calibration what the simulator cannot know
 * @returns by class, in the order of `classes`
 */
export async function simulatePoint(
  rows: readonly OffloadPoint[],
  extent: Extent,
  calibration: Calibration,
): Promise<ClassFigures[]> {
  const file = scenarioOf(rows, extent, calibration);
  const { policy } = rows[0]!;
  const runs = [];
  for (const seed of seeds) {
    const scenario = makeScenario(file, seed);
    const run = await simulate(scenario, policy, (problem) => {
      throw new Error(problem);
    });
    runs.push({ scenario, run });
  }
  const result = policyResult(policy, runs, seeds.map(() => 0));
  const { users } = rows.at(-1)!;
  return classes.map((one) => {
    const { served, meanMs } = result.classes.find(({ name }) => name === simulatedName(one))!;
    const { offered } = rows.find((row) => row.users === users && row.class.id === one.id)!;
    // What arrived is the same for both: only the share that was served is the simulator's.
    return {
      served: served.mean * offered,
      meanMs: Number.isNaN(meanMs.mean) ? undefined : meanMs.mean,
    };
  });
}

/** The scenario of a point: load rises as it did, and only the last step counts. */
function scenarioOf(
  rows: readonly OffloadPoint[],
  { sizes, timing }: Extent,
  { ownMs, hopMs }: Calibration,
): ScenarioFile {
  const steps = [...new Set(rows.map(({ users }) => users))].sort((a, b) => a - b);
  const stepS = timing.warmUpS + timing.windows * timing.windowS;
  const nodes = (area: string, instances: number) => ({
    count: 2,
    area,
    memory: instances * instanceMib,
    starts: instances,
    queue: queueCapacity,
  });
  const limited = classes.filter(({ id }) => id !== 0);
  return readScenario({
    about: "Experiment offload",
    duration: steps.length * stepS,
    warmup: steps.length * stepS - timing.windows * timing.windowS,
    nodes: {
      EDGE: nodes("EDGE", sizes.edgeInstances),
      CLOUD: { ...nodes("CLOUD", sizes.cloudInstances), policy: "default" },
    },
    balanced: ["CLOUD"],
    network: {
      edge: { latency: areaMs, bandwidth: 10_000 },
      cloud: { latency: rows[0]!.delayMs, bandwidth: 10_000 },
      overhead: hopMs,
      status: 0.2,
    },
    classes: Object.fromEntries(
      limited.map(({ name, limit, weight }) => [name, { limit, weight }]),
    ),
    functions: {
      [functionName]: {
        memory: instanceMib,
        duration: { mean: napSeconds + ownMs / 1000, scv: 0 },
        // The real instances were started before.
        start: { mean: 0.001, scv: 0 },
      },
    },
    load: rows.flatMap((row) => {
      const from = steps.indexOf(row.users) * stepS;
      return entryShares.map((share, at) => ({
        nodes: [`EDGE-${at + 1}`],
        rate: share * row.offered,
        ...(row.class.id !== 0 && { mix: { [row.class.name]: 1 } }),
        from,
        to: from + stepS,
      }));
    }),
  });
}

/** Requests without a class are of the default one. */
function simulatedName({ id, name }: LoadClass): string {
  return id === 0 ? "default" : name;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

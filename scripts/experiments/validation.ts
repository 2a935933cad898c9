/**
 * Experiment `validation`: how far what the simulator says is from what experiment `offload` measured
 * on the same nodes under the same load.
 *
 * @module
 */

import { classes, type LoadClass } from "../continuum/model.ts";
import type { Chart, Series } from "../../lib/lab/plot/chart.ts";
import type { Row as FigureRow } from "../../lib/lab/plot/figure.ts";
import type { Context } from "./experiment.ts";
import { type Extent, extentOf, type OffloadPoint } from "./offload_extent.ts";
import { digits, type Report } from "./report.ts";
import { calibrate, type Calibration, type ClassFigures, simulatePoint } from "./simulated.ts";
import { meanOf } from "../../lib/lab/statistics.ts";

/** How far the simulator may be off. */
const tolerance = 0.15;

/** One point, measured and simulated. */
export interface Pair {
  readonly real: OffloadPoint;
  readonly simulated: ClassFigures;
}

/** One class under one policy with the cloud at one distance: means over all numbers of users. */
interface Agreement {
  readonly delayMs: number;
  readonly policy: string;
  readonly class: LoadClass;
  readonly realServed: number;
  readonly simulatedServed: number;
  readonly realMs: number;
  readonly simulatedMs: number;
  readonly throughputError: number;
  readonly responseError: number;
}

/** What a validation found. */
export interface Validation {
  /** What was taken from the measured points. */
  readonly calibration: Calibration;
  /** All points. */
  readonly pairs: readonly Pair[];
  /** By delay, policy and class: a mean over all delays would hide one at which the simulator is wrong. */
  readonly agreements: readonly Agreement[];
  /** Largest error of throughput, of any policy, class and delay, as a share. */
  readonly throughputError: number;
  /** Largest error of the mean response time. */
  readonly responseError: number;
}

/** Runs the experiment on what `offload` has left in the folder. */
export async function validationExperiment(context: Context): Promise<Report> {
  const points = pointsOf(await readMeasured(`${context.folder}/offload.csv`));
  return validationReport(await validate(points, extentOf(context)));
}

async function readMeasured(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`there is no ${file} yet: run the experiment offload first`);
  }
}

/**
 * The points of experiment `offload`.
 *
 * @param csv its file
 */
export function pointsOf(csv: string): OffloadPoint[] {
  const [head = "", ...lines] = csv.trim().split("\n");
  const columns = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    const cell = (column: string) => cells[columns.indexOf(column)] ?? "";
    const name = cell("class");
    const found = classes.find((each) => each.name === name);
    if (!found) throw new Error(`there is no class "${name}"`);
    return {
      delayMs: Number(cell("delay_ms")),
      policy: cell("policy"),
      users: Number(cell("users")),
      class: found,
      offered: Number(cell("offered")),
      servedAll: Number(cell("served_all")),
      meanAllMs: cell("mean_all_ms") === "" ? undefined : Number(cell("mean_all_ms")),
    };
  });
}

/**
 * Simulates all that was measured.
 *
 * @param rows what was measured
 * @param extent how
 */
export async function validate(
  rows: readonly OffloadPoint[],
  extent: Extent,
): Promise<Validation> {
  const calibration = calibrate(rows);
  const pairs: Pair[] = [];
  const runs = Map.groupBy(rows, ({ delayMs, policy }) => `${delayMs} ${policy}`);
  for (const run of runs.values()) {
    for (const users of new Set(run.map((row) => row.users))) {
      const past = run.filter((row) => row.users <= users);
      const simulated = await simulatePoint(past, extent, calibration);
      for (const real of run.filter((row) => row.users === users)) {
        pairs.push({ real, simulated: simulated[classes.indexOf(real.class)]! });
      }
    }
  }
  return validationOf(calibration, pairs);
}

/**
 * Compares what was measured with what was simulated.
 *
 * @param calibration what the simulator knows of the machine
 * @param pairs all points
 */
export function validationOf(calibration: Calibration, pairs: readonly Pair[]): Validation {
  const groups = Map.groupBy(
    pairs,
    ({ real }) => `${real.delayMs} ${real.policy} ${real.class.name}`,
  );
  const agreements = [...groups.values()].map(agreementOf);
  return {
    calibration,
    pairs,
    agreements,
    throughputError: Math.max(...agreements.map(({ throughputError }) => throughputError)),
    responseError: Math.max(...agreements.map(({ responseError }) => responseError)),
  };
}

function agreementOf(pairs: readonly Pair[]): Agreement {
  const { delayMs, policy, class: one } = pairs[0]!.real;
  const answered = pairs.filter(({ real, simulated }) =>
    real.meanAllMs !== undefined && simulated.meanMs !== undefined
  );
  const realServed = meanOf(pairs.map(({ real }) => real.servedAll));
  const simulatedServed = meanOf(pairs.map(({ simulated }) => simulated.served));
  const realMs = meanOf(answered.map(({ real }) => real.meanAllMs!));
  const simulatedMs = meanOf(answered.map(({ simulated }) => simulated.meanMs!));
  return {
    ...{ delayMs, policy, class: one },
    realServed,
    simulatedServed,
    realMs,
    simulatedMs,
    throughputError: errorOf(simulatedServed, realServed),
    responseError: errorOf(simulatedMs, realMs),
  };
}

function errorOf(simulated: number, real: number): number {
  return Math.abs(simulated / real - 1);
}

/** The single point that is farthest off, in words. */
function farthest(pairs: readonly Pair[], error: (pair: Pair) => number): string {
  const known = pairs.filter((pair) => Number.isFinite(error(pair)));
  const pair = known.reduce((worst, each) => error(each) > error(worst) ? each : worst);
  const { policy, class: { name }, users, delayMs } = pair.real;
  return `${digits(error(pair) * 100)} % (${policy}, ${name}, ${users} users, ${delayMs} ms)`;
}

/**
 * Tells what a validation found.
 *
 * @param validation what it found
 */
export function validationReport(validation: Validation): Report {
  const { calibration: { ownMs, hopMs }, pairs, agreements } = validation;
  const percent = (share: number) => share * 100;
  return {
    name: "validation",
    title: "The simulator against the real cluster",
    about: "The points of experiment `offload`, measured on real nodes and simulated: the same " +
      "number and size of nodes, the same policies' code, the same load step by step. The simulator knows two figures " +
      `of the machine, read from the lightest load of two policies: an invocation takes ${
        ownMs.toFixed(1)
      } ms in addition to its sleep, and one in the cloud ${
        hopMs.toFixed(1)
      } ms in addition to the network. ` +
      "The table has means over all numbers of users, for each delay between edge and cloud; bars are " +
      "the simulator's part of the measured figure, whiskers reach from the least to the largest of all " +
      "points. The single point that is farthest off in good answers is so by " +
      `${farthest(pairs, ({ real, simulated }) => errorOf(simulated.served, real.servedAll))}, ` +
      "in mean response time by " +
      `${farthest(pairs, ({ real, simulated }) => errorOf(simulated.meanMs!, real.meanAllMs!))}.`,
    csv: {
      columns: [
        ...["delay_ms", "policy", "users", "class"],
        ...["served", "simulated_served", "mean_ms", "simulated_mean_ms"],
      ],
      rows: pairs.map(({ real, simulated }) => [
        ...[real.delayMs, real.policy, real.users, real.class.name],
        ...[real.servedAll, simulated.served, real.meanAllMs, simulated.meanMs],
      ]),
    },
    table: {
      columns: [
        ...["delay, ms", "policy", "class", "served/s", "simulated", "error, %"],
        ...["mean, ms", "simulated", "error, %"],
      ],
      rows: agreements.map((each) => [
        ...[each.delayMs, each.policy, each.class.name],
        ...[each.realServed, each.simulatedServed, percent(each.throughputError)],
        ...[each.realMs, each.simulatedMs, percent(each.responseError)],
      ]),
    },
    figures: {
      "": {
        title: "What the simulator says, as a share of what real nodes did",
        plane: { width: 560, height: 190 },
        rows: classes.map((one): FigureRow => ({
          title: one.name,
          charts: [
            ratioChart("good answers/s", pairs, agreements, one, {
              whole: (each) => each.simulatedServed / each.realServed,
              point: ({ real, simulated }) => simulated.served / real.servedAll,
            }),
            ratioChart("mean response time", pairs, agreements, one, {
              whole: (each) => each.simulatedMs / each.realMs,
              point: ({ real, simulated }) => simulated.meanMs! / real.meanAllMs!,
            }),
          ],
        })),
      },
    },
  };
}

function ratioChart(
  title: string,
  pairs: readonly Pair[],
  agreements: readonly Agreement[],
  one: LoadClass,
  of: {
    readonly whole: (agreement: Agreement) => number;
    readonly point: (pair: Pair) => number;
  },
): Chart {
  const own = agreements.filter((each) => each.class === one);
  const policies = [...new Set(own.map(({ policy }) => policy))];
  const delays = [...new Set(own.map(({ delayMs }) => delayMs))];
  return {
    title,
    x: { label: "policy", categories: policies },
    y: { label: "simulated / measured", min: 0 },
    series: delays.map((delay): Series => ({
      kind: "bars",
      name: `cloud ${delay} ms away`,
      points: own.filter(({ delayMs }) => delayMs === delay).map((each) => {
        const points = pairs
          .filter(({ real }) =>
            real.policy === each.policy && real.class === one && real.delayMs === delay
          )
          .map(of.point).filter(Number.isFinite);
        return {
          x: policies.indexOf(each.policy),
          y: of.whole(each),
          low: Math.min(...points),
          high: Math.max(...points),
        };
      }),
    })),
    rules: [
      { y: 1 - tolerance, label: `-${tolerance * 100} %` },
      { y: 1 + tolerance, label: `+${tolerance * 100} %` },
    ],
  };
}

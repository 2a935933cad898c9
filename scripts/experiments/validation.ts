/**
 * Experiment `validation`: how far what the simulator says is from what experiment `offload` measured
 * on the same nodes under the same load.
 *
 * @module
 */

import { classes, type LoadClass } from "../../examples/cluster/continuum.ts";
import type { Chart } from "../../lib/plot/chart.ts";
import type { Row as FigureRow } from "../../lib/plot/figure.ts";
import type { Context } from "./experiment.ts";
import { type Extent, extentOf, type OffloadPoint } from "./offload_measure.ts";
import type { Report } from "./report.ts";
import { calibrate, type Calibration, type ClassFigures, simulatePoint } from "./simulated.ts";

/** How far the simulator may be off. */
const tolerance = 0.15;

/** One point, measured and simulated. */
interface Pair {
  readonly real: OffloadPoint;
  readonly simulated: ClassFigures;
}

/** One class under one policy: means over all its points. */
interface Agreement {
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
  /** By policy and class. */
  readonly agreements: readonly Agreement[];
  /** Largest error of throughput, of any policy and class, as a share. */
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
  const agreements = [...new Set(rows.map(({ policy }) => policy))].flatMap((policy) =>
    classes.map((one) =>
      agreementOf(pairs.filter(({ real }) => real.policy === policy && real.class === one))
    )
  );
  return {
    calibration,
    pairs,
    agreements,
    throughputError: Math.max(...agreements.map(({ throughputError }) => throughputError)),
    responseError: Math.max(...agreements.map(({ responseError }) => responseError)),
  };
}

function agreementOf(pairs: readonly Pair[]): Agreement {
  const answered = pairs.filter(({ real, simulated }) =>
    real.meanAllMs !== undefined && simulated.meanMs !== undefined
  );
  const realServed = mean(pairs.map(({ real }) => real.servedAll));
  const simulatedServed = mean(pairs.map(({ simulated }) => simulated.served));
  const realMs = mean(answered.map(({ real }) => real.meanAllMs!));
  const simulatedMs = mean(answered.map(({ simulated }) => simulated.meanMs!));
  return {
    policy: pairs[0]!.real.policy,
    class: pairs[0]!.real.class,
    realServed,
    simulatedServed,
    realMs,
    simulatedMs,
    throughputError: Math.abs(simulatedServed / realServed - 1),
    responseError: Math.abs(simulatedMs / realMs - 1),
  };
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
      } ms beside its sleep, and one in the cloud ${hopMs.toFixed(1)} ms beside the way. ` +
      "The table has means over all delays and numbers of users; bars are the simulator's part " +
      "of the measured figure, whiskers reach from the least to the largest of all points.",
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
        ...["policy", "class", "served/s", "simulated", "error, %"],
        ...["mean, ms", "simulated", "error, %"],
      ],
      rows: agreements.map((each) => [
        ...[each.policy, each.class.name],
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
  return {
    title,
    x: { label: "policy", categories: own.map(({ policy }) => policy) },
    y: { label: "simulated / measured", min: 0 },
    series: [{
      kind: "bars",
      name: "simulated / measured",
      points: own.map((each, x) => {
        const points = pairs
          .filter(({ real }) => real.policy === each.policy && real.class === one)
          .map(of.point).filter(Number.isFinite);
        return {
          x,
          y: of.whole(each),
          low: Math.min(...points),
          high: Math.max(...points),
        };
      }),
    }],
    rules: [
      { y: 1 - tolerance, label: `-${tolerance * 100} %` },
      { y: 1 + tolerance, label: `+${tolerance * 100} %` },
    ],
  };
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

/**
 * Experiment `offload`: an edge zone that gets more and more requests of two classes, and a cloud
 * some way off, under each policy.
 *
 * @module
 */

import { classes, edgeCapacity, type LoadClass, napSeconds } from "../continuum/model.ts";
import type { Chart } from "../../lib/lab/plot/chart.ts";
import type { Row as FigureRow } from "../../lib/lab/plot/figure.ts";
import type { Context } from "./experiment.ts";
import type { Measure } from "./measure.ts";
import { type Extent, extentOf, policies } from "./offload_extent.ts";
import { measureOffload, type OffloadRow } from "./offload_measure.ts";
import { pointOf, type Report } from "./report.ts";
import { entryShares, userRate } from "../continuum/users.ts";

/** Runs the experiment. */
export async function offloadExperiment(context: Context): Promise<Report> {
  const extent = extentOf(context);
  return report(await measureOffload(extent, context), extent);
}

function report(rows: readonly OffloadRow[], { delaysMs, users, sizes, timing }: Extent): Report {
  const most = users.at(-1)!;
  const { edgeInstances, cloudInstances } = sizes;
  return {
    name: "offload",
    title: "Edge and cloud under rising load, by policy",
    about:
      `Two edge nodes of ${edgeInstances} instances, which get ${
        entryShares.join(" and ")
      } of the ` +
      `requests, and behind a balancer two cloud nodes of ${cloudInstances}; the function sleeps ` +
      `${napSeconds} s, so the edge can serve ${
        edgeCapacity({ ...sizes, cloudDelayMs: 0 })
      } requests/s and all can ` +
      `serve ${
        (2 * edgeInstances + 2 * cloudInstances) / napSeconds
      }. Each user sends ${userRate} ` +
      `requests/s (Poisson); ${
        classes.map(({ name, share, limit }) =>
          `${share * 100} % are ${name}` + (limit > 0 ? ` with a limit of ${limit} s` : "")
        ).join(", ")
      }. Lines are medians of ${timing.windows} windows of ${timing.windowS} s after ` +
      `${timing.warmUpS} s, bands their least and largest. The delay is one way between edge and ` +
      `cloud. The table shows ${most} users (${most * userRate} requests/s).`,
    csv: {
      columns: [
        ...[
          "delay_ms",
          "policy",
          "users",
          "class",
          "offered",
          "served",
          "served_min",
          "served_max",
        ],
        ...["mean_ms", "mean_min_ms", "mean_max_ms", "served_all", "mean_all_ms"],
        ...["in_time", "local", "neighbour", "cloud"],
      ],
      rows: rows.map((row) => [
        ...[row.delayMs, row.policy, row.users, row.class.name, row.offered],
        ...[row.served.mid, row.served.low, row.served.high],
        ...[row.meanMs.mid, row.meanMs.low, row.meanMs.high, row.servedAll, row.meanAllMs],
        ...[row.inTime, row.local, row.neighbour, row.cloud],
      ]),
    },
    table: {
      columns: [
        "delay, ms",
        "policy",
        ...classes.flatMap(({ name }) => [`${name}: served/s`, "mean, ms", "in time, %"]),
      ],
      rows: delaysMs.flatMap((delayMs) =>
        policies.map((policy) => [
          delayMs,
          policy,
          ...classes.flatMap((one) => {
            const row = rows.find((row) =>
              row.delayMs === delayMs && row.policy === policy && row.users === most &&
              row.class === one
            )!;
            return [row.served.mid, row.meanMs.mid, row.inTime * 100];
          }),
        ])
      ),
    },
    figures: Object.fromEntries(delaysMs.map((delayMs) => [`${delayMs}ms`, {
      title: `Edge and cloud under rising load, the cloud ${delayMs} ms away (one way)`,
      rows: classes.map((one): FigureRow => ({ charts: chartsOf(rows, delayMs, one, users) })),
    }])),
  };
}

function chartsOf(
  rows: readonly OffloadRow[],
  delayMs: number,
  one: LoadClass,
  users: readonly number[],
): Chart[] {
  const x = { label: "users", min: 0, max: users.at(-1)! };
  const series = (of: (row: OffloadRow) => Measure) =>
    policies.map((policy) => ({
      kind: "line" as const,
      name: policy,
      points: rows
        .filter((row) => row.delayMs === delayMs && row.policy === policy && row.class === one)
        .map((row) => pointOf(row.users, of(row))),
    }));
  const limit = one.limit > 0 ? [{ y: one.limit * 1000, label: "limit" }] : [];
  return [
    {
      title: `${one.name}: served`,
      x,
      y: { label: "good answers/s" },
      series: series(({ served }) => served),
    },
    {
      title: `${one.name}: mean response time`,
      x,
      y: { label: "response time, ms", scale: "log" },
      series: series(({ meanMs }) => meanMs),
      rules: limit,
    },
    {
      title: `${one.name}: answered well${one.limit > 0 ? " in time" : ""}`,
      x,
      y: { label: "share of requests, %", min: 0, max: 100 },
      series: series(({ inTime }) => ({ mid: inTime * 100, low: undefined, high: undefined })),
    },
  ];
}

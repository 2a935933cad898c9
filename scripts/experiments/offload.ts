/**
 * Experiment `offload`: an edge zone that gets more and more requests of two classes, and a cloud
 * some way off, under each policy.
 *
 * @module
 */

import {
  classes,
  type Cloud,
  edgeCapacity,
  type EdgeNode,
  exampleSizes,
  type LoadClass,
  napSeconds,
  type Sizes,
  startCloud,
  startEdge,
} from "../../examples/cluster/continuum.ts";
import type { KindResult, LoadResult } from "../../lib/load/result.ts";
import type { Chart } from "../../lib/plot/chart.ts";
import type { Row as FigureRow } from "../../lib/plot/figure.ts";
import type { Context } from "./experiment.ts";
import { type Measure, measureLoad, measureOf, type Timing } from "./measure.ts";
import { pointOf, type Report } from "./report.ts";
import { knownPolicies, loadOf, userRate } from "./users.ts";

const policies = knownPolicies([
  "edgeonly",
  "cloudonly",
  "edgecloud",
  "default",
  "qosaware",
  "probabilistic",
  "adaptive",
]);
/** Shares of the two edge nodes: one gets more than the other, so that it needs it. */
const shares = [0.6, 0.4];

/** What is measured, and on how large a continuum. */
interface Extent {
  readonly delaysMs: readonly number[];
  readonly users: readonly number[];
  readonly sizes: Omit<Sizes, "cloudDelayMs">;
  readonly timing: Timing;
}

const full: Extent = {
  delaysMs: [10, 50, 100],
  users: [1, 20, 40, 60, 90, 130],
  sizes: exampleSizes,
  timing: { warmUpS: 4, windowS: 4, windows: 3 },
};
const quick: Extent = {
  delaysMs: [50],
  users: [5, 65],
  sizes: { edgeInstances: 2, cloudInstances: 4 },
  timing: { warmUpS: 0.5, windowS: 0.6, windows: 3 },
};

/** One measured point. */
interface Row {
  readonly delayMs: number;
  readonly policy: string;
  readonly users: number;
  readonly class: LoadClass;
  /** Requests per second that were due. */
  readonly offered: number;
  /** Good answers per second. */
  readonly served: Measure;
  /** Mean response time of these, ms. */
  readonly meanMs: Measure;
  /** Share of the requests that were answered well in time. */
  readonly inTime: number;
  /** Shares of the good answers by where they were computed. */
  readonly local: number;
  readonly neighbour: number;
  readonly cloud: number;
}

/** Runs the experiment. */
export async function offloadExperiment(context: Context): Promise<Report> {
  const extent = context.quick ? quick : full;
  const rows: Row[] = [];
  for (const delayMs of extent.delaysMs) {
    const sizes = { ...extent.sizes, cloudDelayMs: delayMs };
    await using cloud = await startCloud(sizes, context.signal);
    for (const policy of policies) {
      context.say(`${policy}, the cloud ${delayMs} ms away`);
      rows.push(...await measurePolicy(cloud, policy, extent, context.signal));
    }
  }
  return report(rows, extent);
}

async function measurePolicy(
  cloud: Cloud,
  policy: string,
  { users, timing }: Extent,
  signal: AbortSignal,
): Promise<Row[]> {
  await using edge = await startEdge(cloud, policy, signal);
  const entries = edge.nodes.map(({ url }, at) => ({ url, share: shares[at]! }));
  const rows: Row[] = [];
  for (const count of users) {
    const result = await measureLoad(entries[0]!.url, loadOf(count, entries), timing, signal);
    for (const one of classes) {
      const facts = rowOf(result, edge.nodes, one, timing);
      rows.push({ delayMs: cloud.sizes.cloudDelayMs, policy, users: count, class: one, ...facts });
    }
  }
  return rows;
}

/** What became of one class, whichever node its requests went to. */
function rowOf(
  { kinds, seconds }: LoadResult,
  nodes: readonly EdgeNode[],
  one: LoadClass,
  timing: Timing,
): Omit<Row, "delayMs" | "policy" | "users" | "class"> {
  // The kinds are in the order of the entries, and within each in that of the classes.
  const own = nodes.map(({ id }, at) => ({
    id,
    kind: kinds[at * classes.length + classes.indexOf(one)]!,
  }));
  const sum = (figure: (kind: KindResult, id: string) => number) =>
    own.reduce((total, { kind, id }) => total + figure(kind, id), 0);
  const windows = Array.from({ length: timing.windows }, (_, at) => {
    const slices = own.flatMap(({ kind }) => kind.slices[at] ?? []);
    const ok = slices.reduce((total, slice) => total + slice.ok, 0);
    const ms = slices.reduce((total, slice) => total + slice.ok * (slice.mean ?? 0), 0);
    return { rate: ok / timing.windowS, meanMs: ok === 0 ? undefined : ms / ok };
  });
  const due = sum((kind) => kind.due);
  const ok = Math.max(1, sum((kind) => kind.ok));
  const ran = (test: (node: string, area: string, entry: string) => boolean) =>
    sum((kind, entry) =>
      (kind.server?.where ?? []).reduce(
        (total, { node, area, count }) => total + (test(node, area, entry) ? count : 0),
        0,
      )
    ) / ok;
  return {
    offered: due / seconds,
    served: measureOf(windows.map(({ rate }) => rate)),
    meanMs: measureOf(windows.map(({ meanMs }) => meanMs)),
    inTime: sum((kind) => kind.withinLimit === undefined ? kind.ok : kind.withinLimit * kind.due) /
      Math.max(1, due),
    local: ran((node, _, entry) => node === entry),
    neighbour: ran((node, area, entry) => node !== entry && area === "EDGE"),
    cloud: ran((_, area) => area === "CLOUD"),
  };
}

function report(rows: readonly Row[], { delaysMs, users, sizes, timing }: Extent): Report {
  const most = users.at(-1)!;
  const { edgeInstances, cloudInstances } = sizes;
  return {
    name: "offload",
    title: "Edge and cloud under rising load, by policy",
    about:
      `Two edge nodes of ${edgeInstances} instances, which get ${shares.join(" and ")} of the ` +
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
        ...["mean_ms", "mean_min_ms", "mean_max_ms", "in_time", "local", "neighbour", "cloud"],
      ],
      rows: rows.map((row) => [
        ...[row.delayMs, row.policy, row.users, row.class.name, row.offered],
        ...[row.served.mid, row.served.low, row.served.high],
        ...[row.meanMs.mid, row.meanMs.low, row.meanMs.high],
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
  rows: readonly Row[],
  delayMs: number,
  one: LoadClass,
  users: readonly number[],
): Chart[] {
  const x = { label: "users", min: 0, max: users.at(-1)! };
  const series = (of: (row: Row) => Measure) =>
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

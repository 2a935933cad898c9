/**
 * Experiment `horizontal`: four nodes of one edge zone, of which one gets all the requests.
 *
 * @module
 */

import { classes, functionName, napSeconds } from "../continuum/model.ts";
import type { LoadResult } from "../../lib/lab/load/report/result.ts";
import type { Chart } from "../../lib/lab/plot/chart.ts";
import { get, post, python } from "../../tests/support/client.ts";
import { Continuum, type Member } from "../../tests/support/continuum.ts";
import { eventually } from "../../tests/support/eventually.ts";
import type { Context } from "./experiment.ts";
import { type Measure, measureLoad, overWindows, rateOf, type Timing } from "./measure.ts";
import { pointOf, type Report } from "./report.ts";
import { knownPolicies, loadOf, userRate } from "../continuum/users.ts";

const policies = knownPolicies([
  "edgeonly",
  "default",
  "edgecloud",
  "qosaware",
  "probabilistic",
  "adaptive",
]);
const nodeCount = 4;
/** Instances of each node. */
const instances = 4;
const instanceMib = 64;
const source = `
import time
def f(params, context):
    time.sleep(${napSeconds})
    return "rested"
`;

/** What is measured. */
interface Extent {
  readonly policies: readonly string[];
  readonly users: readonly number[];
  readonly timing: Timing;
}

const full: Extent = {
  policies,
  users: [5, 10, 20, 40, 60, 80, 100],
  timing: { warmUpS: 3, windowS: 3, windows: 3 },
};
const quick: Extent = {
  // One that helps the hot node, one that does not, and the latest.
  policies: policies.filter((name) => ["default", "qosaware", "adaptive"].includes(name)),
  users: [10, 60],
  timing: { warmUpS: 0.5, windowS: 0.6, windows: 3 },
};

/** One measured point. */
interface Row {
  readonly policy: string;
  readonly users: number;
  readonly served: Measure;
  readonly p50: Measure;
  readonly p99: Measure;
  /** Share of the requests that failed. */
  readonly failed: number;
  /** Share of the good answers that the hot node computed itself. */
  readonly own: number;
}

/** Runs the experiment. */
export async function horizontalExperiment(context: Context): Promise<Report> {
  const extent = context.quick ? quick : full;
  const { users, timing } = extent;
  const rows: Row[] = [];
  for (const policy of extent.policies) {
    context.say(`${policy}, one hot node of ${nodeCount}`);
    await using continuum = await Continuum.start();
    const hot = await startZone(continuum, policy, context.signal);
    for (const count of users) {
      const load = loadOf(count, [{ url: hot.url, share: 1 }]);
      const result = await measureLoad(hot.url, load, timing, context.signal);
      rows.push(rowOf(policy, count, result, hot, timing));
    }
  }
  return report(rows, extent);
}

/** Starts the zone, with all instances warm. @returns the node that gets the requests */
async function startZone(
  continuum: Continuum,
  policy: string,
  signal: AbortSignal,
): Promise<Member> {
  const nodes: Member[] = [];
  for (let n = 1; n <= nodeCount; n++) {
    signal.throwIfAborted();
    nodes.push(
      await continuum.join(`edge-${n}`, "EDGE", {
        "container.pool.memory": instances * instanceMib,
        // A function that sleeps needs none: memory is what is scarce here.
        "container.pool.cpus": 64,
        "scheduler.policy": policy,
        "scheduler.queue.capacity": 100,
        "shutdown.grace": 1,
        "log.level": "warning",
        "qos": Object.fromEntries(
          classes.map(({ name, id, limit, weight }) => [name, { id, limit, weight }]),
        ),
      }),
    );
  }
  const fields = { MemoryMB: instanceMib, CPUDemand: 0.1 };
  const created = await post(
    `${nodes[0]!.url}/create`,
    await python(functionName, source, fields),
  );
  if (created.status !== 200) throw new Error(`create: ${JSON.stringify(created.body)}`);
  for (const node of nodes) {
    signal.throwIfAborted();
    await eventually("it knows the function", async () => {
      return (await get(`${node.url}/function`)).body.includes(functionName);
    });
    const warm = await post(`${node.url}/prewarm`, {
      Function: functionName,
      Instances: instances,
    });
    if (warm.status !== 200) throw new Error(`prewarm: ${JSON.stringify(warm.body)}`);
  }
  await eventually("the hot node sees its neighbours", async () => {
    const { body } = await get(`${nodes[0]!.url}/nodes`);
    const others = (body.Nodes as { Self: boolean; Reachable: boolean }[])
      .filter(({ Self, Reachable }) => !Self && Reachable);
    return others.length === nodeCount - 1;
  });
  return nodes[0]!;
}

function rowOf(
  policy: string,
  users: number,
  { total }: LoadResult,
  hot: Member,
  timing: Timing,
): Row {
  const own = total.server?.where.find(({ node }) => node === hot.id)?.count ?? 0;
  return {
    policy,
    users,
    served: rateOf(total, timing),
    p50: overWindows(total, timing, ({ p50 }) => p50),
    p99: overWindows(total, timing, ({ p99 }) => p99),
    failed: total.failed / Math.max(1, total.due),
    own: own / Math.max(1, total.ok),
  };
}

function report(rows: readonly Row[], { policies, users, timing }: Extent): Report {
  const capacity = instances / napSeconds;
  const most = users.at(-1)!;
  return {
    name: "horizontal",
    title: "One hot node among four, by policy",
    about: `Four edge nodes of ${instances} instances and no cloud; the function sleeps ` +
      `${napSeconds} s, so one can serve ${capacity} requests/s and all can serve ` +
      `${capacity * nodeCount}. One node gets all the requests, ${userRate}/s of each user ` +
      `(Poisson), in the two classes of experiment offload. Lines are medians of ` +
      `${timing.windows} windows of ${timing.windowS} s after ${timing.warmUpS} s, bands their ` +
      `least and largest. The table shows ${most} users (${most * userRate} requests/s).`,
    csv: {
      columns: [
        ...["policy", "users", "served", "served_min", "served_max", "p50_ms", "p50_min_ms"],
        ...["p50_max_ms", "p99_ms", "p99_min_ms", "p99_max_ms", "failed", "on_hot_node"],
      ],
      rows: rows.map(({ policy, users, served, p50, p99, failed, own }) => [
        ...[policy, users, served.mid, served.low, served.high],
        ...[p50.mid, p50.low, p50.high, p99.mid, p99.low, p99.high, failed, own],
      ]),
    },
    table: {
      columns: ["policy", "served/s", "p50, ms", "p99, ms", "failed, %", "on the hot node, %"],
      rows: rows.filter((row) => row.users === most).map((row) => [
        ...[row.policy, row.served.mid, row.p50.mid, row.p99.mid],
        ...[row.failed * 100, row.own * 100],
      ]),
    },
    figures: {
      "": {
        title: "One hot node among four, by policy",
        rows: [{ charts: chartsOf(rows, policies, most) }],
      },
    },
  };
}

function chartsOf(rows: readonly Row[], policies: readonly string[], most: number): Chart[] {
  const x = { label: "users", min: 0, max: most };
  const series = (of: (row: Row) => Measure) =>
    policies.map((policy) => ({
      kind: "line" as const,
      name: policy,
      points: rows.filter((row) => row.policy === policy).map((row) => pointOf(row.users, of(row))),
    }));
  return [
    { title: "served", x, y: { label: "good answers/s" }, series: series(({ served }) => served) },
    {
      title: "median response time",
      x,
      y: { label: "response time, ms", scale: "log" },
      series: series(({ p50 }) => p50),
    },
    {
      title: "computed by the hot node itself",
      x,
      y: { label: "share of good answers, %", min: 0, max: 100 },
      series: series(({ own }) => ({ mid: own * 100, low: undefined, high: undefined })),
    },
  ];
}

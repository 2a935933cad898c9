/**
 * Experiment `node`: throughput and response time of one node against the number of clients, for
 * each runtime.
 *
 * @module
 */

import type { KindResult } from "../../lib/lab/load/report/result.ts";
import { post } from "../../tests/support/client.ts";
import { startNodeProcess } from "../../tests/support/node.ts";
import type { Context } from "./experiment.ts";
import {
  createFunction,
  functions,
  instanceMib,
  type MeasuredFunction,
  type MeasuredRuntime,
  runtimes,
} from "./functions.ts";
import { type Measure, measureLoad, overWindows, rateOf, type Timing } from "./measure.ts";
import { pointOf, type Report } from "./report.ts";

/** Instances of each function: more than cores, so that the cores are the limit. */
const instances = 4;

const full = { clients: [1, 2, 4, 8, 16, 32, 64], timing: timing(1, 2) };
const quick = { clients: [1, 16], timing: timing(0.2, 0.3) };

/** One measured point. */
interface Row {
  readonly runtime: MeasuredRuntime;
  readonly function: MeasuredFunction;
  readonly clients: number;
  readonly total: KindResult;
  readonly rate: Measure;
  readonly p50: Measure;
  readonly p99: Measure;
}

/** Runs the experiment. */
export async function nodeExperiment(context: Context): Promise<Report> {
  const { clients, timing } = context.quick ? quick : full;
  const rows: Row[] = [];
  for (const runtime of runtimes) {
    context.signal.throwIfAborted();
    await using node = await startNodeProcess({
      config: {
        "container.pool.memory": functions.length * instances * instanceMib,
        "shutdown.grace": 1,
      },
    });
    for (const fn of functions) {
      context.say(`${runtime}: ${fn.title}`);
      rows.push(...await measureFunction(node.url, runtime, fn, clients, timing, context.signal));
    }
  }
  return report(rows, clients, timing);
}

async function measureFunction(
  node: string,
  runtime: MeasuredRuntime,
  fn: MeasuredFunction,
  clients: readonly number[],
  timing: Timing,
  signal: AbortSignal,
): Promise<Row[]> {
  await createFunction(node, runtime, fn.name, { Name: fn.name });
  const warm = await post(`${node}/prewarm`, { Function: fn.name, Instances: instances });
  if (warm.status !== 200) throw new Error(`prewarm ${runtime}: ${warm.body.message}`);
  const mix = [{ function: fn.name, params: fn.params, expect: fn.expect }];
  const rows: Row[] = [];
  for (const count of clients) {
    const { total } = await measureLoad(node, { clients: count, mix }, timing, signal);
    // None at all is a figure too: megabytes may take longer than a quick run lasts.
    if (total.failed > 0) {
      const failures = JSON.stringify({ ...total.outcomes, ...total.messages });
      throw new Error(`${runtime} ${fn.name}, ${count} clients: ${failures}`);
    }
    rows.push({
      runtime,
      function: fn,
      clients: count,
      total,
      rate: rateOf(total, timing),
      p50: overWindows(total, timing, ({ p50 }) => p50),
      p99: overWindows(total, timing, ({ p99 }) => p99),
    });
  }
  // Its instances would only be in the way of the next one.
  await post(`${node}/delete`, { Name: fn.name });
  return rows;
}

function report(rows: readonly Row[], clients: readonly number[], timing: Timing): Report {
  const most = clients.includes(16) ? 16 : clients.at(-1)!;
  const at = (runtime: MeasuredRuntime, fn: MeasuredFunction, count: number) =>
    rows.find((row) => row.runtime === runtime && row.function === fn && row.clients === count)!;
  return {
    name: "node",
    title: "One node: throughput and response time against clients",
    about: `A closed loop of clients on the same machine, ${instances} warm instances of ` +
      `${instanceMib} MiB. Lines are medians of ${timing.windows} windows of ${timing.windowS} s, ` +
      "bands their least and largest. Each answer was checked.",
    csv: {
      columns: [
        ...["runtime", "function", "clients", "answers", "rate", "rate_min", "rate_max"],
        ...["p50_ms", "p50_min_ms", "p50_max_ms", "p99_ms", "p99_min_ms", "p99_max_ms"],
      ],
      rows: rows.map(({ runtime, function: fn, clients, total, rate, p50, p99 }) => [
        ...[runtime, fn.name, clients, total.ok, rate.mid, rate.low, rate.high],
        ...[p50.mid, p50.low, p50.high, p99.mid, p99.low, p99.high],
      ]),
    },
    table: {
      columns: [
        "function",
        ...runtimes.map((name) => `${name}, p50 of 1 client, ms`),
        ...runtimes.map((name) => `${name}, ${most} clients, answers/s`),
      ],
      rows: functions.map((fn) => [
        fn.title,
        ...runtimes.map((runtime) => at(runtime, fn, clients[0]!).p50.mid),
        ...runtimes.map((runtime) => at(runtime, fn, most).rate.mid),
      ]),
    },
    figures: {
      "": {
        title: "One node: throughput and response time against clients",
        rows: functions.map((fn) => ({
          charts: [
            chart(rows, fn, clients, "rate", `${fn.title}: throughput`, "answers/s"),
            chart(rows, fn, clients, "p50", `${fn.title}: median response time`, "ms"),
            chart(rows, fn, clients, "p99", `${fn.title}: 99th percentile`, "ms"),
          ],
        })),
      },
    },
  };
}

function chart(
  rows: readonly Row[],
  fn: MeasuredFunction,
  clients: readonly number[],
  what: "rate" | "p50" | "p99",
  title: string,
  unit: string,
) {
  const ticks = clients.map((count) => ({ at: count, label: String(count) }));
  return {
    title,
    x: { label: "clients", scale: "log" as const, ticks },
    y: {
      label: what === "rate" ? unit : `response time, ${unit}`,
      scale: "log" as const,
    },
    series: runtimes.map((runtime) => ({
      kind: "line" as const,
      name: runtime,
      points: rows
        .filter((row) => row.runtime === runtime && row.function === fn)
        .map((row) => pointOf(row.clients, row[what])),
    })),
  };
}

function timing(warmUpS: number, windowS: number): Timing {
  return { warmUpS, windowS, windows: 3 };
}

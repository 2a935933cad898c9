/**
 * Experiment `cold`: how long the first call of a function takes, by runtime and start tier.
 *
 * @module
 */

import { startTiers } from "../../lib/model/start_tier.ts";
import { post } from "../../tests/support/client.ts";
import { startNodeProcess } from "../../tests/support/node.ts";
import type { Context } from "./experiment.ts";
import { createFunction, instanceMib, type MeasuredRuntime, runtimes } from "./functions.ts";
import type { Measure } from "./measure.ts";
import { digits, type Report } from "./report.ts";
import { medianOf, quantileOf } from "../../lib/lab/statistics.ts";

/** A way to start functions. */
interface Variant {
  /** What it is called in the progress. */
  readonly title: string;
  /** Runtimes that have it. */
  readonly runtimes: readonly MeasuredRuntime[];
  /** More fields of the function. */
  readonly fields: object;
  /** More configuration of the node. */
  readonly config: object;
}

/** The node reports the tier of each start; these make every tier occur. */
const variants: readonly Variant[] = [
  { title: "as it comes", runtimes, fields: {}, config: {} },
  {
    title: "with a network",
    runtimes: ["python", "nodejs"],
    fields: { Network: "bridge" },
    config: {},
  },
  {
    title: "no container started ahead",
    runtimes: ["python", "nodejs"],
    fields: {},
    config: { "runtimes.python.generic": 0, "runtimes.nodejs.generic": 0 },
  },
  {
    title: "no sandbox started ahead",
    runtimes: ["deno", "wasm"],
    fields: {},
    config: { "sandbox.generic": 0 },
  },
];
const starts = { full: 30, quick: 3 };
/** Rest before each start, ms: what is made ready in the background is ready by then. */
const restMs = { full: 1000, quick: 300 };

/** One call. */
interface Call {
  readonly runtime: MeasuredRuntime;
  /** What the report says had to be done. */
  readonly tier: string;
  /** From request to answer, as the client saw it. */
  readonly ms: number;
}

/** Runs the experiment. */
export async function coldExperiment(context: Context): Promise<Report> {
  const calls: Call[] = [];
  for (const variant of variants) {
    for (const runtime of variant.runtimes) {
      context.say(`${runtime}, ${variant.title}`);
      calls.push(...await callFresh(runtime, variant, context));
    }
  }
  return report(calls);
}

/** Calls functions that were just created, each once, then again while its instance is warm. */
async function callFresh(
  runtime: MeasuredRuntime,
  { fields, config }: Variant,
  { quick, signal }: Context,
): Promise<Call[]> {
  const count = quick ? starts.quick : starts.full;
  await using node = await startNodeProcess({
    config: { "container.pool.memory": 8 * instanceMib, "shutdown.grace": 1, ...config },
  });
  const calls: Call[] = [];
  // What a node does once is not part of a start: the first is thrown away.
  for (let n = 0; n <= count; n++) {
    signal.throwIfAborted();
    const name = `noop-${n}`;
    await createFunction(node.url, runtime, "noop", { Name: name, ...fields });
    await new Promise((resolve) => setTimeout(resolve, quick ? restMs.quick : restMs.full));
    for (const _ of [1, 2]) {
      const began = performance.now();
      const { status, body } = await post(`${node.url}/invoke/${name}`, { Params: { n: 0 } });
      const ms = performance.now() - began;
      if (status !== 200 || body.Result !== "0") {
        throw new Error(`${runtime}: ${status} ${JSON.stringify(body)}`);
      }
      if (n > 0) calls.push({ runtime, tier: body.StartTier, ms });
    }
    await post(`${node.url}/delete`, { Name: name });
  }
  return calls;
}

function report(calls: readonly Call[]): Report {
  const tiers = startTiers.filter((tier) => calls.some((call) => call.tier === tier));
  const of = (runtime: MeasuredRuntime, tier: string) =>
    calls.filter((call) => call.runtime === runtime && call.tier === tier).map(({ ms }) => ms);
  const measured = (runtime: MeasuredRuntime, tier: string): Measure => spread(of(runtime, tier));
  return {
    name: "cold",
    title: "Starts by tier: from request to answer",
    about:
      "A function that returns a number, called once when it was just created and nothing else " +
      "was asked of the node, and once more. `warm`: its instance was there; `generic`: a pre-started " +
      "one loaded its code; `fresh`: a sandbox was started; `shared`: a container was, in a network " +
      "namespace that was there; `full`: a container and its network. Bars are medians, whiskers " +
      "reach from the 10th to the 90th percentile. Images were there.",
    csv: {
      columns: ["runtime", "tier", "ms"],
      rows: calls.map(({ runtime, tier, ms }) => [runtime, tier, ms]),
    },
    table: {
      columns: ["runtime", ...tiers.map((tier) => `${tier}, ms (p10 to p90; calls)`)],
      rows: runtimes.map((runtime) => [
        runtime,
        ...tiers.map((tier) => {
          const { mid, low, high } = measured(runtime, tier);
          const count = of(runtime, tier).length;
          return count === 0
            ? undefined
            : `${digits(mid!)} (${digits(low!)} to ${digits(high!)}; ${count})`;
        }),
      ]),
    },
    figures: {
      "": {
        title: "Starts by tier: from request to answer",
        plane: { width: 560, height: 260 },
        rows: [{
          charts: [{
            title: "median, and 10th to 90th percentile",
            x: { label: "start tier", categories: tiers },
            y: { label: "response time, ms", scale: "log" },
            series: runtimes.map((runtime) => ({
              kind: "bars",
              name: runtime,
              points: tiers.map((tier, x) => {
                const { mid, low, high } = measured(runtime, tier);
                return mid === undefined ? { x, y: mid } : { x, y: mid, low: low!, high: high! };
              }),
            })),
          }],
        }],
      },
    },
  };
}

/** Median with the 10th and the 90th percentile. */
function spread(samples: readonly number[]): Measure {
  if (samples.length === 0) return { mid: undefined, low: undefined, high: undefined };
  const [mid, low, high] = [medianOf(samples), quantileOf(samples, 0.1), quantileOf(samples, 0.9)];
  return { mid, low, high };
}

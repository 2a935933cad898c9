/**
 * How far the simulator is from a real cluster: a part of experiment `offload`, measured and simulated.
 *
 * @module
 */

import { extentOf } from "../../experiments/offload_extent.ts";
import { measureOffload } from "../../experiments/offload_measure.ts";
import { digits, formatMarkdown } from "../../experiments/report.ts";
import { validate, validationReport } from "../../experiments/validation.ts";
import type { Results } from "../results.ts";
import { isShort } from "../rounds.ts";

/**
 * One delay, and load from little to overload: the experiment has more of both. The least load is
 * what calibrates: so little that nobody waits, enough requests for a mean.
 */
const part = { delaysMs: [50], users: [3, 20, 60, 130] };

/** Measures; the figures are those of the policy, class and delay that agree least. */
export async function measureValidation(results: Results): Promise<void> {
  const full = extentOf({ quick: isShort });
  const extent = isShort ? full : { ...full, ...part };
  const rows = await measureOffload(extent, {
    say: (line) => console.log(`  ${line}`),
    signal: new AbortController().signal,
  });
  const validation = await validate(rows, extent);
  const { columns, rows: cells } = validationReport(validation).table;
  console.log(formatMarkdown(columns, cells));
  const { ownMs, hopMs } = validation.calibration;
  console.log(
    `  an invocation takes ${digits(ownMs)} ms in addition to its sleep, a hop ${digits(hopMs)} ms`,
  );
  results.add("sim_vs_real_throughput_error", "ratio", [validation.throughputError]);
  results.add("sim_vs_real_response_error", "ratio", [validation.responseError]);
}

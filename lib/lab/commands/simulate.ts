/**
 * `serverledge simulate`.
 *
 * @module
 */

import { type Command, defineCommand } from "../../cli/command.ts";
import { simulateOptions } from "./simulate_options.ts";

/** Compares policies in a simulated continuum. */
export const simulate: Command = defineCommand({
  name: "simulate",
  brief: "Compare scheduling policies in a simulated continuum",
  description:
    "Simulates nodes with the real scheduler, queue and pool under a virtual clock: the " +
    "same scenario and seed give the same result. All policies receive the same requests.",
  examples: [
    ["serverledge simulate flash-crowd.yaml", "all policies"],
    [
      "serverledge simulate fgcs.yaml --policy qosaware --policy ./mine.ts --seeds 10",
      "compare your policy with another, with confidence intervals",
    ],
    ["serverledge simulate fgcs.yaml --svg fgcs.svg --json > fgcs.json", "chart and JSON"],
  ],
  options: simulateOptions,
  async run(options, globals, terminal) {
    // Imported on demand, so that other commands do not load it.
    const { runSimulate } = await import("../simulate/run.ts");
    return await runSimulate(options, globals, terminal);
  },
});

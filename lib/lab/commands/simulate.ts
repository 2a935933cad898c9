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
    "Nodes with the scheduler, queue and pool of real ones live through a scenario under a virtual " +
    "clock: same scenario and seed, same result. Needs no node. All policies meet the same requests.",
  examples: [
    ["serverledge simulate flash-crowd.yaml", "all policies"],
    [
      "serverledge simulate fgcs.yaml --policy qosaware --policy ./mine.ts --seeds 10",
      "yours against another, with confidence intervals",
    ],
    ["serverledge simulate fgcs.yaml --svg fgcs.svg --json > fgcs.json", "drawn, and for scripts"],
  ],
  options: simulateOptions,
  async run(options, globals, terminal) {
    // Other commands must not pay for the simulator.
    const { runSimulate } = await import("../simulate/run.ts");
    return await runSimulate(options, globals, terminal);
  },
});

/**
 * `serverledge bench`.
 *
 * @module
 */

import { type Command, defineCommand } from "../../cli/command.ts";
import { benchOptions } from "./bench_options.ts";

/** Loads functions or a URL and tells how they did. */
export const bench: Command = defineCommand({
  name: "bench",
  brief: "Load functions, or any URL, and tell throughput and response times",
  description: "Open loop: requests are sent when they are due, whatever becomes of others, and " +
    "response times count from when a request was due (no coordinated omission). Closed loop: " +
    "each client sends when it was answered. Ctrl-C ends a run early and shows what was found. " +
    "Ends with 2 if nothing was answered well, 5 if an answer was not the expected one.",
  examples: [
    ["serverledge bench hello", "8 clients in a closed loop for 30 s"],
    ["serverledge bench hello --rate 100 --duration 60 --html report.html", "100/s, Poisson"],
    ["serverledge bench fib@critical=1 fib@batch=4 -p n:20 -r 50", "two classes, one to four"],
    ["serverledge bench hello -r 50 --arrivals bursty --burst-factor 20", "with bursts"],
    ["serverledge bench --trace day.csv --duration 3600", "replay the first hour of a CSV file"],
    [
      "serverledge bench --scenario mix.yaml --json result.json --csv slices.csv",
      "a file says what",
    ],
    ["serverledge bench --url http://10.0.0.9:8080/ -X POST --body '{}' -n 16", "something else"],
  ],
  options: benchOptions,
  async run(options, globals, terminal) {
    // Other commands must not pay for the load generator.
    const { runBench } = await import("../bench/run.ts");
    return await runBench(options, globals, terminal);
  },
});

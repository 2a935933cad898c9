/**
 * `serverledge bench`.
 *
 * @module
 */

import { type Command, defineCommand } from "../../cli/command.ts";
import { benchOptions } from "./bench_options.ts";

/** Sends load to functions or a URL and reports throughput and response times. */
export const bench: Command = defineCommand({
  name: "bench",
  brief: "Send load to functions or a URL and report throughput and response times",
  description: "Open loop: requests are sent when they are due, independently of each other, and " +
    "response times count from the time when a request was due (no coordinated " +
    "omission). Closed loop: each client sends its next request after the previous " +
    "response. Ctrl-C stops a run early and shows its results. Exit status 2: no request " +
    "succeeded; 5: a response was unexpected.",
  examples: [
    ["serverledge bench hello", "8 clients in a closed loop for 30 s"],
    ["serverledge bench hello --rate 100 --duration 60 --html report.html", "100/s, Poisson"],
    [
      "serverledge bench fib@critical=1 fib@batch=4 -p n:20 -r 50",
      "two classes, in the ratio 1 to 4",
    ],
    ["serverledge bench hello -r 50 --arrivals bursty --burst-factor 20", "with bursts"],
    ["serverledge bench --trace day.csv --duration 3600", "replay the first hour of a CSV file"],
    [
      "serverledge bench --scenario mix.yaml --json result.json --csv slices.csv",
      "scenario from a file",
    ],
    ["serverledge bench --url http://10.0.0.9:8080/ -X POST --body '{}' -n 16", "another server"],
  ],
  options: benchOptions,
  async run(options, globals, terminal) {
    // Imported on demand, so that other commands do not load it.
    const { runBench } = await import("../bench/run.ts");
    return await runBench(options, globals, terminal);
  },
});

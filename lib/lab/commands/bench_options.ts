/**
 * Options of `serverledge bench`.
 *
 * @module
 */

import { group, merge, object } from "@optique/core/constructs";
import { multiple } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { choice, float } from "@optique/core/valueparser";
import { qosClass } from "../../cli/options/qos_class.ts";
import {
  argumentOf,
  decimal,
  file,
  flagOf,
  optionOf,
  optionsOf,
  text,
  whole,
} from "../../cli/options/parts.ts";

const seconds = float({ metavar: "S" });

const requests = group(
  "Requests",
  object({
    mix: multiple(
      argumentOf(
        "FUNCTION[@CLASS][=WEIGHT]",
        text,
        "Function to invoke, with optional QoS class and weight; repeatable",
      ),
    ),
    scenario: optionOf("--scenario FILE", file, "YAML or JSON file; options override it"),
    params: optionsOf("-p --param NAME:VALUE", text, "Parameter; repeatable"),
    paramsFile: optionOf("-j --params_file FILE", file, "JSON file with the parameters"),
    qosClass: optionOf("-c --class", qosClass, "QoS class, by id or name"),
    respTime: optionOf(
      "--resptime",
      seconds,
      "Response-time limit, s; sent with each request, and used to count late responses",
    ),
    noOffload: flagOf("--no-offload", "Do not allow offloading to other nodes"),
    expect: optionOf(
      "--expect TEXT",
      text,
      "Result that a function must return (JSON or text), or text that a response of --url must contain",
    ),
    url: optionOf("--url URL", text, "Send requests to a URL instead of a function"),
    method: optionOf("-X --method VERB", text, "Method for --url; POST with a body, else GET"),
    headers: optionsOf("--header NAME:VALUE", text, "Header; repeatable"),
    body: optionOf("--body TEXT", text, "Body for --url"),
    bodyFile: optionOf("--body-file FILE", file, "File with the body for --url"),
    plain: flagOf(
      "--plain",
      "Accept any server as the target; only status codes decide about success",
    ),
  }),
);

const schedule = group(
  "Schedule",
  object({
    rate: optionOf("-r --rate PER_S", decimal, "Requests per second: an open loop"),
    arrivals: optionOf(
      "--arrivals",
      choice(["closed", "constant", "poisson", "bursty", "trace"]),
      "Arrival process: poisson with --rate, trace with --trace, else closed",
    ),
    clients: optionOf(
      "-n --clients N",
      whole,
      "Closed loop: number of clients (8)",
    ),
    think: optionOf(
      "--think",
      seconds,
      "Closed loop: time between a response and the next request, s (0)",
    ),
    burstFactor: optionOf(
      "--burst-factor TIMES",
      decimal,
      "bursty: ratio of the rate in bursts to the rate between them (10)",
    ),
    burstLength: optionOf("--burst-length", seconds, "bursty: mean length of a burst, s (1)"),
    burstPause: optionOf("--burst-pause", seconds, "bursty: mean time between bursts, s (9)"),
    trace: optionOf(
      "--trace FILE",
      file,
      "CSV time_s[,function][,class], s after the start; rows in any order",
    ),
    seed: optionOf("--seed N", whole, "Seed of the random numbers (1)"),
  }),
);

const bounds = group(
  "Bounds",
  object({
    duration: optionOf(
      "-d --duration",
      seconds,
      "Duration, s (30, or that of the trace; at most 86400)",
    ),
    warmup: optionOf(
      "--warm-up",
      seconds,
      "Warm-up that is excluded from the results, s (2; none with a trace)",
    ),
    requests: optionOf(
      "--requests N",
      whole,
      "Maximum number of requests (1000000; at most 100000000)",
    ),
    connections: optionOf(
      "--connections N",
      whole,
      "Maximum number of connections (1024; at most 16384); further requests wait",
    ),
    timeout: optionOf("--timeout", seconds, "Timeout of a request, s (30)"),
  }),
);

const output = group(
  "Output",
  object({
    jsonFile: optionOf(
      "--json FILE",
      text,
      "Write all results as JSON; - for standard output instead of the table",
    ),
    csv: optionOf("--csv FILE", text, "Write results over time as CSV, by function and class"),
    html: optionOf("--html FILE", text, "Write a report with charts as one HTML file"),
  }),
);

/** Options of `bench`. */
export const benchOptions = merge(requests, schedule, bounds, output);

/** Values of the options of `bench`. */
export type BenchOptions = InferValue<typeof benchOptions>;

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

const what = group(
  "What is sent",
  object({
    mix: multiple(
      argumentOf(
        "FUNCTION[@CLASS][=WEIGHT]",
        text,
        "Function to invoke, perhaps in a QoS class, and its share among all; repeat for more",
      ),
    ),
    scenario: optionOf("--scenario FILE", file, "YAML or JSON file; options win over it"),
    params: optionsOf("-p --param NAME:VALUE", text, "Parameter; repeat for more"),
    paramsFile: optionOf("-j --params_file FILE", file, "JSON file with the parameters"),
    qosClass: optionOf("-c --class", qosClass, "QoS class, by id or name"),
    respTime: optionOf(
      "--resptime",
      seconds,
      "Response-time limit, s: asked for, and answers are counted against it",
    ),
    noOffload: flagOf("--no-offload", "Ask that no other node runs it"),
    expect: optionOf(
      "--expect TEXT",
      text,
      "What a function must return (JSON or text), or an answer of --url must contain",
    ),
    url: optionOf("--url URL", text, "Load any URL instead of a function"),
    method: optionOf("-X --method VERB", text, "Verb for --url; POST with a body, else GET"),
    headers: optionsOf("--header NAME:VALUE", text, "Header; repeat for more"),
    body: optionOf("--body TEXT", text, "Body for --url"),
    bodyFile: optionOf("--body-file FILE", file, "File with the body for --url"),
    plain: flagOf(
      "--plain",
      "The target need not answer as a Serverledge API; statuses tell success",
    ),
  }),
);

const when = group(
  "When it is sent",
  object({
    rate: optionOf("-r --rate PER_S", decimal, "Requests per second: an open loop"),
    arrivals: optionOf(
      "--arrivals",
      choice(["closed", "constant", "poisson", "bursty", "trace"]),
      "How they come: poisson with --rate, trace with --trace, else closed",
    ),
    clients: optionOf(
      "-n --clients N",
      whole,
      "Closed loop: clients that send when they were answered (8)",
    ),
    think: optionOf("--think", seconds, "Closed loop: time between answer and request, s (0)"),
    burstFactor: optionOf(
      "--burst-factor TIMES",
      decimal,
      "bursty: how many times the rate between bursts (10)",
    ),
    burstLength: optionOf("--burst-length", seconds, "bursty: mean length of a burst, s (1)"),
    burstPause: optionOf("--burst-pause", seconds, "bursty: mean time between bursts, s (9)"),
    trace: optionOf(
      "--trace FILE",
      file,
      "CSV time_s[,function][,class], s after the begin; rows in any order",
    ),
    seed: optionOf("--seed N", whole, "Of its chance; the same seed, the same load (1)"),
  }),
);

const bounds = group(
  "Where it ends",
  object({
    duration: optionOf(
      "-d --duration",
      seconds,
      "Length, s (30, of a trace its own; at most 86400)",
    ),
    warmup: optionOf("--warm-up", seconds, "Time before anything counts, s (2; none with a trace)"),
    requests: optionOf(
      "--requests N",
      whole,
      "Most requests that count (1000000; at most 100000000)",
    ),
    connections: optionOf(
      "--connections N",
      whole,
      "Most connections (1024; at most 16384); beyond it requests wait",
    ),
    timeout: optionOf("--timeout", seconds, "Longest wait for an answer, s (30)"),
  }),
);

const output = group(
  "What is written",
  object({
    jsonFile: optionOf(
      "--json FILE",
      text,
      "All results as JSON; - for standard output, instead of the table",
    ),
    csv: optionOf("--csv FILE", text, "The run over time, by function and class"),
    html: optionOf("--html FILE", text, "A report with plots in one file"),
  }),
);

/** What `bench` takes. */
export const benchOptions = merge(what, when, bounds, output);

/** What the command line of `bench` says. */
export type BenchOptions = InferValue<typeof benchOptions>;

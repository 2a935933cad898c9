/**
 * Options of `serverledge bench`.
 *
 * @module
 */

import { group, merge, object } from "@optique/core/constructs";
import { multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, flag, option } from "@optique/core/primitives";
import { choice, float, integer, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { doc } from "../../cli/options/options.ts";
import { qosClass } from "../../cli/options/qos_class.ts";

const seconds = float({ metavar: "S" });

const what = group(
  "What is sent",
  object({
    mix: multiple(argument(
      string({ metavar: "FUNCTION[@CLASS][=WEIGHT]" }),
      doc("Function to invoke, perhaps in a QoS class, and its share among all; repeat for more"),
    )),
    scenario: optional(
      option(
        "--scenario",
        path({ metavar: "FILE" }),
        doc("YAML or JSON file; options win over it"),
      ),
    ),
    params: multiple(
      option("-p", "--param", string({ metavar: "NAME:VALUE" }), doc("Parameter; repeat for more")),
    ),
    paramsFile: optional(
      option(
        "-j",
        "--params_file",
        path({ metavar: "FILE" }),
        doc("JSON file with the parameters"),
      ),
    ),
    qosClass: optional(
      option("-c", "--class", qosClass, doc("QoS class, by id or name")),
    ),
    respTime: optional(
      option(
        "--resptime",
        seconds,
        doc("Response-time limit, s: asked for, and answers are counted against it"),
      ),
    ),
    noOffload: optional(flag("--no-offload", doc("Ask that no other node runs it"))),
    expect: optional(
      option(
        "--expect",
        string({ metavar: "TEXT" }),
        doc("What a function must return (JSON or text), or an answer of --url must contain"),
      ),
    ),
    url: optional(
      option("--url", string({ metavar: "URL" }), doc("Load any URL instead of a function")),
    ),
    method: optional(
      option(
        "-X",
        "--method",
        string({ metavar: "VERB" }),
        doc("Verb for --url; POST with a body, else GET"),
      ),
    ),
    headers: multiple(
      option("--header", string({ metavar: "NAME:VALUE" }), doc("Header; repeat for more")),
    ),
    body: optional(option("--body", string({ metavar: "TEXT" }), doc("Body for --url"))),
    bodyFile: optional(
      option("--body-file", path({ metavar: "FILE" }), doc("File with the body for --url")),
    ),
    plain: optional(
      flag(
        "--plain",
        doc("The target need not answer as a Serverledge API; statuses tell success"),
      ),
    ),
  }),
);

const when = group(
  "When it is sent",
  object({
    rate: optional(
      option("-r", "--rate", float({ metavar: "PER_S" }), doc("Requests per second: an open loop")),
    ),
    arrivals: optional(
      option(
        "--arrivals",
        choice(["closed", "constant", "poisson", "bursty", "trace"]),
        doc("How they come: poisson with --rate, trace with --trace, else closed"),
      ),
    ),
    clients: optional(
      option(
        "-n",
        "--clients",
        integer({ metavar: "N" }),
        doc("Closed loop: clients that send when they were answered (8)"),
      ),
    ),
    think: optional(
      option("--think", seconds, doc("Closed loop: time between answer and request, s (0)")),
    ),
    burstFactor: optional(
      option(
        "--burst-factor",
        float({ metavar: "TIMES" }),
        doc("bursty: how many times the rate between bursts (10)"),
      ),
    ),
    burstLength: optional(
      option("--burst-length", seconds, doc("bursty: mean length of a burst, s (1)")),
    ),
    burstPause: optional(
      option("--burst-pause", seconds, doc("bursty: mean time between bursts, s (9)")),
    ),
    trace: optional(
      option(
        "--trace",
        path({ metavar: "FILE" }),
        doc("CSV time_s[,function][,class], s after the begin; rows in any order"),
      ),
    ),
    seed: optional(
      option(
        "--seed",
        integer({ metavar: "N" }),
        doc("Of its chance; the same seed, the same load (1)"),
      ),
    ),
  }),
);

const bounds = group(
  "Where it ends",
  object({
    duration: optional(
      option("-d", "--duration", seconds, doc("Length, s (30, of a trace its own; at most 86400)")),
    ),
    warmup: optional(
      option("--warm-up", seconds, doc("Time before anything counts, s (2; none with a trace)")),
    ),
    requests: optional(
      option(
        "--requests",
        integer({ metavar: "N" }),
        doc("Most requests that count (1000000; at most 100000000)"),
      ),
    ),
    connections: optional(
      option(
        "--connections",
        integer({ metavar: "N" }),
        doc("Most connections (1024; at most 16384); beyond it requests wait"),
      ),
    ),
    timeout: optional(option("--timeout", seconds, doc("Longest wait for an answer, s (30)"))),
  }),
);

const output = group(
  "What is written",
  object({
    jsonFile: optional(
      option(
        "--json",
        string({ metavar: "FILE" }),
        doc("All results as JSON; - for standard output, instead of the table"),
      ),
    ),
    csv: optional(
      option("--csv", string({ metavar: "FILE" }), doc("The run over time, by function and class")),
    ),
    html: optional(
      option("--html", string({ metavar: "FILE" }), doc("A report with plots in one file")),
    ),
  }),
);

/** What `bench` takes. */
export const benchOptions = merge(what, when, bounds, output);

/** What the command line of `bench` says. */
export type BenchOptions = InferValue<typeof benchOptions>;

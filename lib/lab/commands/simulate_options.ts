/**
 * Options of `serverledge simulate`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, option } from "@optique/core/primitives";
import { float, integer, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";

/** What `simulate` takes. */
export const simulateOptions = object({
  scenario: argument(path({ metavar: "SCENARIO" }), {
    description: message`YAML file that says what happens`,
  }),
  policies: multiple(option("--policy", string({ metavar: "NAME|FILE" }), {
    description: message`Policy to try, may be repeated; without it all of the program's`,
  })),
  seeds: optional(option("--seeds", integer({ metavar: "N", min: 1, max: 1000 }), {
    description: message`How often, with chance of its own each time (3)`,
  })),
  duration: optional(option("--duration", float({ metavar: "SECONDS", min: 1 }), {
    description: message`Simulated time instead of the scenario's`,
  })),
  csv: optional(option("--csv", path({ metavar: "FILE" }), {
    description: message`Write a row for each policy and class`,
  })),
  svg: optional(option("--svg", path({ metavar: "FILE" }), {
    description: message`Draw the comparison`,
  })),
});

/** What the command line of `simulate` says. */
export type SimulateOptions = InferValue<typeof simulateOptions>;

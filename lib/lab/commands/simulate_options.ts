/**
 * Options of `serverledge simulate`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { float, integer } from "@optique/core/valueparser";
import { argumentOf, file, optionOf, optionsOf, text } from "../../cli/options/parts.ts";

/** What `simulate` takes. */
export const simulateOptions = object({
  scenario: argumentOf("SCENARIO", file, "YAML file that says what happens"),
  policies: optionsOf(
    "--policy NAME|FILE",
    text,
    "Policy to try, may be repeated; without it all of the program's",
  ),
  seeds: optionOf(
    "--seeds N",
    (meta) => integer({ ...meta, min: 1, max: 1000 }),
    "How often, with chance of its own each time (3)",
  ),
  duration: optionOf(
    "--duration SECONDS",
    (meta) => float({ ...meta, min: 1 }),
    "Simulated time instead of the scenario's",
  ),
  csv: optionOf("--csv FILE", file, "Write a row for each policy and class"),
  svg: optionOf("--svg FILE", file, "Draw the comparison"),
});

/** What the command line of `simulate` says. */
export type SimulateOptions = InferValue<typeof simulateOptions>;

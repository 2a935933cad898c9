/**
 * Options of `serverledge simulate`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { float, integer } from "@optique/core/valueparser";
import { argumentOf, file, optionOf, optionsOf, text } from "../../cli/options/parts.ts";

/** Options of `simulate`. */
export const simulateOptions = object({
  scenario: argumentOf("SCENARIO", file, "YAML file of the scenario"),
  policies: optionsOf(
    "--policy NAME|FILE",
    text,
    "Policy to simulate; repeatable; default: all built-in ones",
  ),
  seeds: optionOf(
    "--seeds N",
    (meta) => integer({ ...meta, min: 1, max: 1000 }),
    "Number of runs with different random numbers (3)",
  ),
  duration: optionOf(
    "--duration SECONDS",
    (meta) => float({ ...meta, min: 1 }),
    "Simulated time, s; overrides the scenario",
  ),
  csv: optionOf("--csv FILE", file, "Write CSV with one row for each policy and class"),
  svg: optionOf("--svg FILE", file, "Write a chart of the comparison as SVG"),
});

/** Values of the options of `simulate`. */
export type SimulateOptions = InferValue<typeof simulateOptions>;

/**
 * How long a command waits for a function.
 *
 * @module
 */

import { map, optional } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { float } from "@optique/core/valueparser";
import { doc } from "./options.ts";

/** Longest wait where none is given: a function may run for a day, and wait before. */
export const maxWaitMs = 2 * 86_400_000;

/** Reads `--timeout`, s, as ms. */
export const timeoutOption: Parser<"sync", number | undefined, unknown> = map(
  optional(
    option(
      "--timeout",
      float({ metavar: "S", min: 0.001, max: maxWaitMs / 1e3 }),
      doc("Longest wait, s; the function goes on if it is asynchronous"),
    ),
  ),
  (seconds) => seconds === undefined ? undefined : seconds * 1e3,
);

/**
 * How long a command waits for a function.
 *
 * @module
 */

import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { float } from "@optique/core/valueparser";
import { optionOf } from "./parts.ts";

/** Longest wait where none is given: a function may run for a day, and wait before. */
export const maxWaitMs = 2 * 86_400_000;

/** Reads `--timeout`, s, as ms. */
export const timeoutOption: Parser<"sync", number | undefined, unknown> = map(
  optionOf(
    "--timeout S",
    (meta) => float({ ...meta, min: 0.001, max: maxWaitMs / 1e3 }),
    "Longest wait, s; the function goes on if it is asynchronous",
  ),
  (seconds) => seconds === undefined ? undefined : seconds * 1e3,
);

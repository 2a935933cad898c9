/**
 * Time for which a command waits for a function.
 *
 * @module
 */

import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { float } from "@optique/core/valueparser";
import { optionOf } from "./parts.ts";

/** Maximum wait if none is given, ms; a function may run for a day, and wait before that. */
export const maxWaitMs = 2 * 86_400_000;

/** Option `--timeout`, given in seconds and read as ms. */
export const timeoutOption: Parser<"sync", number | undefined, unknown> = map(
  optionOf(
    "--timeout S",
    (meta) => float({ ...meta, min: 0.001, max: maxWaitMs / 1e3 }),
    "Maximum wait, s; an asynchronous function continues to run",
  ),
  (seconds) => seconds === undefined ? undefined : seconds * 1e3,
);

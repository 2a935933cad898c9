/**
 * Writes records as values of a registry, and validates them when they are read.
 *
 * @module
 */

import * as v from "valibot";
import { type Clock, systemClock } from "../base/clock.ts";
import { type Logger, logger } from "../base/log.ts";
import { tryParseJson } from "../json/json.ts";

/** Time after a logged value in which further unreadable values are only counted, ms. */
const countMs = 60_000;

/**
 * Logs unreadable values: the first at once, and after a minute the number of further ones and the
 * last of them. There may be thousands at a time, and again with each listing.
 */
export class UnreadableValues implements Disposable {
  readonly #clock: Clock;
  readonly #log: Pick<Logger, "warn">;
  #cancel: (() => void) | undefined;
  #count = 0;
  #last: { readonly key: string; readonly problem: string } | undefined;

  /**
   * Creates a log without unreadable values.
   *
   * @param clock times the end of counting
   */
  constructor(clock: Clock = systemClock, log: Pick<Logger, "warn"> = logger("registry")) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Records an unreadable value.
   *
   * @param problem why it is unreadable
   */
  add(key: string, problem: string): void {
    if (this.#cancel) {
      this.#count++;
      this.#last = { key, problem };
      return;
    }
    warnSkipped(key, problem, this.#log);
    this.#cancel = this.#clock.after(countMs, () => this[Symbol.dispose]());
  }

  /** Logs the number of skipped values. */
  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#last) {
      this.#log.warn("Skipped {count} more unreadable values, the last {key}: {problem}", {
        count: this.#count,
        ...this.#last,
      });
    }
    this.#count = 0;
    this.#last = undefined;
  }
}

/** Logs that a stored value cannot be read. */
export function warnSkipped(
  key: string,
  problem: string,
  log: Pick<Logger, "warn"> = logger("registry"),
): void {
  log.warn("Skipped {key}: {problem}", { key, problem });
}

/** The result of parsing a stored value, or its problem. */
export type ReadRecord<T> = { readonly record: T } | { readonly problem: string };

/**
 * Parses a stored value.
 *
 * @param schema schema of a valid value
 * @param text the stored JSON
 */
export function parseRecord<S extends v.GenericSchema>(
  schema: S,
  text: string,
): ReadRecord<v.InferOutput<S>> {
  const value = tryParseJson(text);
  if (value === undefined) return { problem: "its value is not JSON" };
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return { record: result.output };
  const issue = result.issues[0];
  return { problem: `${v.getDotPath(issue) ?? "value"}: ${issue.message}` };
}

/**
 * Reads a stored value.
 *
 * @param schema schema of a valid value
 * @param text the stored JSON
 * @param key key of the value, for the log
 * @param unreadable receives invalid values if there may be many; if absent, they are logged one by one
 * @returns undefined for an invalid value
 */
export function readRecord<S extends v.GenericSchema>(
  schema: S,
  text: string,
  key: string,
  unreadable?: UnreadableValues,
): v.InferOutput<S> | undefined {
  const read = parseRecord(schema, text);
  if ("record" in read) return read.record;
  if (unreadable) unreadable.add(key, read.problem);
  else warnSkipped(key, read.problem);
  return undefined;
}

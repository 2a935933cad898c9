/**
 * Runs a prepared scenario.
 *
 * @module
 */

import { hostPort } from "../../http/host_port.ts";
import { generate } from "./generator.ts";
import type { Prepared } from "./prepare.ts";
import { Recorder } from "./recorder.ts";
import { type LoadResult, resultOf } from "./report/result.ts";

/** What a run can be told. */
export interface RunOptions {
  /** Ends it early; it then resolves to what was found so far. */
  readonly signal?: AbortSignal;
  /** Told the recorder before the first request; what it returns is disposed at the end. */
  readonly watch?: (recorder: Recorder) => Disposable;
  /** Length of the spans of time that are told, ms; without it, so that there are about 60. */
  readonly sliceMs?: number;
  /** What makes the run, for its result. */
  readonly by?: Readonly<Record<string, string>>;
}

/**
 * Sends the load of a prepared scenario and sums up what became of it.
 *
 * @param prepared what to send
 * @param options how
 */
export async function runLoad(
  { plan, load }: Prepared,
  { signal = new AbortController().signal, watch, sliceMs, by = {} }: RunOptions = {},
): Promise<LoadResult> {
  const recorder = new Recorder(plan.kinds, plan.warmUpMs, plan.durationMs, sliceMs);
  const startedAt = new Date().toISOString();
  using _watching = watch?.(recorder);
  const facts = await generate(plan, recorder, signal);
  const targets = [
    ...new Set(
      plan.kinds.map(({ origin: { tls, hostname, port } }) =>
        `${tls ? "https" : "http"}://${hostPort(hostname, port)}`
      ),
    ),
  ];
  return resultOf(plan, recorder, facts, { startedAt, by, load, targets });
}

/**
 * Runner of prepared scenarios.
 *
 * @module
 */

import { hostPort } from "../../http/host_port.ts";
import { generate } from "./generator.ts";
import type { Prepared } from "./prepare.ts";
import { Recorder } from "./recorder.ts";
import { type LoadResult, resultOf } from "./report/result.ts";

/** Options of a run. */
export interface RunOptions {
  /** Stops the run early; its result covers the time until then. */
  readonly signal?: AbortSignal;
  /** Receives the recorder before the first request; the returned object is disposed at the end. */
  readonly watch?: (recorder: Recorder) => Disposable;
  /** Length of a slice, ms; by default there are about 60 slices. */
  readonly sliceMs?: number;
  /** Description of the generator, for the result. */
  readonly by?: Readonly<Record<string, string>>;
}

/** Runs a plan and summarizes it. */
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
      plan.kinds.map(({ origin: { isSecure, hostname, port } }) =>
        `${isSecure ? "https" : "http"}://${hostPort(hostname, port)}`
      ),
    ),
  ];
  return resultOf(plan, recorder, facts, { startedAt, by, load, targets });
}

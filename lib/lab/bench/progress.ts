/**
 * Progress of a load test, in one line on a terminal.
 *
 * @module
 */

import type { LoadPlan } from "../load/plan.ts";
import type { Recorder } from "../load/recorder.ts";
import { formatDuration } from "../../cli/view/table.ts";
import type { Terminal } from "../../cli/terminal.ts";

const frameMs = 500;

/** Shows the progress of a run until it is disposed, if the error output is a terminal. */
export function showProgress(
  { err }: Pick<Terminal, "err">,
  recorder: Recorder,
  { warmUpMs, durationMs }: Pick<LoadPlan, "warmUpMs" | "durationMs">,
): Disposable {
  if (!err.isTerminal) return { [Symbol.dispose]() {} };
  const began = performance.now();
  let last = began;
  const timer = setInterval(() => {
    const now = performance.now();
    const { response, failed } = recorder.takeRecent();
    const rate = Math.round(response.count / (now - last) * 1000);
    last = now;
    const parts = [
      progressOf(now - began, warmUpMs, durationMs),
      `${rate}/s`,
      ...(response.count > 0 ? [`median ${formatDuration(response.quantileMs(0.5) / 1000)}`] : []),
      ...(response.count > 0 ? [`99 % ${formatDuration(response.quantileMs(0.99) / 1000)}`] : []),
      ...(failed > 0 ? [`${failed} failed`] : []),
    ];
    err.write(`\r\x1b[K${parts.join("  ")}`);
  }, frameMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      err.write("\r\x1b[K");
    },
  };
}

function progressOf(elapsedMs: number, warmUpMs: number, durationMs: number): string {
  const of = (ms: number, allMs: number) =>
    `${Math.round(ms / 1000)} of ${Math.round(allMs / 1000)} s`;
  if (elapsedMs < warmUpMs) return `warm-up ${of(elapsedMs, warmUpMs)}`;
  const runMs = elapsedMs - warmUpMs;
  return runMs > durationMs ? "waiting for the last responses" : of(runMs, durationMs);
}

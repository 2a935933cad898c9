/**
 * What people see in the terminal: progress while load is sent, and the table at the end.
 *
 * @module
 */

import { type Outcome, outcomes, type Shot } from "./load.ts";
import { count, inLimitShare, type RunSummary } from "./summary.ts";

/** Time between two lines of progress, ms. */
const progressMs = 2000;

/**
 * Shows how a run goes until it is disposed.
 *
 * @param rate requests per second, as long after the start, s
 * @param shots the requests that have ended so far; grows
 */
export function showProgress(rate: (at: number) => number, shots: readonly Shot[]): Disposable {
  const began = performance.now();
  let shown = 0;
  const timer = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    const counts = count(shots.slice(shown));
    shown = shots.length;
    const cells = outcomes.map((outcome) => `${outcome} ${String(counts[outcome]).padStart(3)}`);
    const offered = String(Math.max(0, Math.round(rate(seconds)))).padStart(3);
    console.log(`  ${seconds.toFixed(0).padStart(3)} s  ${offered}/s | ${cells.join("  ")}`);
  }, progressMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** A table of runs: a line for each policy and class. */
export function formatRuns(runs: readonly RunSummary[]): string {
  const header = ["policy", "class", "sent", ...outcomes, "in limit", "p50 ms", "p95 ms"];
  const rows = runs.flatMap(({ policy, classes }) =>
    classes.map((one) => [
      policy,
      one.className,
      String(one.sent),
      ...outcomes.map((outcome: Outcome) => String(one.counts[outcome])),
      `${(100 * inLimitShare(one)).toFixed(1)} %`,
      one.p50Ms?.toFixed(0) ?? "-",
      one.p95Ms?.toFixed(0) ?? "-",
    ])
  );
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
    ).join("  ");
  return [header, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("\n");
}

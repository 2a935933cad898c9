/**
 * A run over time as CSV.
 *
 * @module
 */

import type { LoadResult } from "./result.ts";

/** Its columns; times in s after the warm-up, response times in ms. */
const columns = [
  "time_s",
  "seconds",
  "function",
  "class",
  "due",
  "ok",
  "failed",
  "p50_ms",
  "p90_ms",
  "p99_ms",
] as const;

/**
 * Writes a run as CSV: a line for each span of time and each function and class.
 *
 * @param result what the run found
 */
export function formatCsv({ kinds }: LoadResult): string {
  const rows = kinds.flatMap((kind) =>
    kind.slices.map((slice) => [
      rounded(slice.at),
      rounded(slice.seconds),
      cell(kind.function),
      cell(kind.class),
      slice.due,
      slice.ok,
      slice.failed,
      rounded(slice.p50),
      rounded(slice.p90),
      rounded(slice.p99),
    ])
  );
  return [columns, ...rows].map((row) => row.join(",")).join("\n") + "\n";
}

/** To a thousandth: of s enough to tell spans apart, of ms more than is measured. */
function rounded(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toFixed(3)));
}

/** A text as a cell (RFC 4180). */
function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

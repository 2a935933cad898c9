/**
 * CSV report of a run over time.
 *
 * @module
 */

import type { LoadResult } from "./result.ts";

/** Columns; times in s after the warm-up, response times in ms. */
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

/** Formats a run as CSV, with a row per slice, function and class. */
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

/** Rounds to three decimals. */
function rounded(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toFixed(3)));
}

/** Quotes a cell (RFC 4180). */
function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

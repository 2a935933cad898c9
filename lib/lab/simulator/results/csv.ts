/**
 * CSV of a comparison (RFC 4180) with a row per policy and class.
 *
 * @module
 */

import type { ClassResult, Comparison } from "./results.ts";

const measures = [
  "rate",
  "served",
  "inTime",
  "dropped",
  "late",
  "cold",
  "local",
  "edge",
  "cloud",
  "meanMs",
  "p50Ms",
  "p95Ms",
  "p99Ms",
  "utility",
  "cost",
] as const satisfies readonly (keyof ClassResult)[];

/** Formats a comparison as CSV. */
export function comparisonCsv({ policies }: Comparison): string {
  const head = ["policy", "class", ...measures.flatMap((name) => [name, `${name}Ci95`])];
  const rows = policies.flatMap(({ policy, classes }) =>
    classes.map((one) => [
      quoted(policy),
      quoted(one.name),
      ...measures.flatMap((name) => [cell(one[name].mean), cell(one[name].ci)]),
    ])
  );
  return [head, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

function cell(value: number | null): string {
  return value === null || Number.isNaN(value) ? "" : String(Number(value.toPrecision(6)));
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

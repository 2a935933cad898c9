/**
 * What a benchmark measured: samples of named metrics, and their median and spread.
 *
 * @module
 */

import { medianOf } from "../../lib/lab/statistics.ts";

/** One measured metric, as it stands in the JSON file. */
export interface Metric {
  /** Stable name. */
  readonly name: string;
  /** Unit of the figures. */
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Digits that are worth telling of a figure. */
const significantDigits = 4;

/**
 * Sums samples up.
 *
 * @param name stable name of the metric
 * @param unit unit of the samples
 * @param samples at least one, usually one a round
 */
export function summarize(name: string, unit: string, samples: readonly number[]): Metric {
  const [median, min, max] = [medianOf(samples), Math.min(...samples), Math.max(...samples)]
    .map((value) => Number(value.toPrecision(significantDigits)));
  return { name, unit, median: median!, min: min!, max: max! };
}

/**
 * A table for people.
 *
 * @param metrics its rows
 */
export function formatTable(metrics: readonly Metric[]): string {
  const header = ["metric", "unit", "median", "min", "max"];
  const rows = metrics.map((m) => [m.name, m.unit, ...[m.median, m.min, m.max].map(String)]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
    ).join("  ").trimEnd();
  return [header, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("\n");
}

/** Collects metrics, and tells each as soon as it is known. */
export class Results {
  readonly #metrics: Metric[] = [];

  /** All metrics so far, in the order of their measurement. */
  get metrics(): readonly Metric[] {
    return this.#metrics;
  }

  /**
   * Adds a metric.
   *
   * @param name stable name of the metric
   * @param unit unit of the samples
   * @param samples at least one, usually one a round
   */
  add(name: string, unit: string, samples: readonly number[]): void {
    const metric = summarize(name, unit, samples);
    this.#metrics.push(metric);
    console.log(`  ${name}: ${metric.median} ${unit} (${metric.min} to ${metric.max})`);
  }
}

/**
 * What an experiment writes: CSV, SVG and Markdown.
 *
 * @module
 */

import type { Point } from "../../lib/lab/plot/chart.ts";
import { drawFigure, type Figure } from "../../lib/lab/plot/figure.ts";
import type { Measure } from "./measure.ts";

/** A cell of a table; undefined: there is nothing to tell. */
export type Cell = string | number | undefined;

/** What an experiment found. */
export interface Report {
  /** Name of the experiment, and of its files. */
  readonly name: string;
  /** What it shows, one line. */
  readonly title: string;
  /** How it was measured, a few sentences. */
  readonly about: string;
  /** Everything, for programs: columns and rows. */
  readonly csv: {
    readonly columns: readonly string[];
    readonly rows: readonly (readonly Cell[])[];
  };
  /** The same in short, for people. */
  readonly table: {
    readonly columns: readonly string[];
    readonly rows: readonly (readonly Cell[])[];
  };
  /** The plots; more than one if it does not fit into one. */
  readonly figures: Readonly<Record<string, Figure>>;
}

/**
 * Writes a report's files.
 *
 * @param folder where to
 * @param report what an experiment found
 * @param subtitle small print of the plots: machine and date
 */
export async function writeReport(folder: string, report: Report, subtitle: string): Promise<void> {
  const { name, title, about, csv, table, figures } = report;
  await Deno.writeTextFile(`${folder}/${name}.csv`, formatCsv(csv.columns, csv.rows));
  const images: string[] = [];
  for (const [suffix, figure] of Object.entries(figures)) {
    const file = suffix === "" ? `${name}.svg` : `${name}-${suffix}.svg`;
    await Deno.writeTextFile(`${folder}/${file}`, drawFigure({ ...figure, subtitle }));
    images.push(`![${figure.title ?? title}](${file})`);
  }
  const text = [
    `## ${title}`,
    about,
    formatMarkdown(table.columns, table.rows),
    ...images,
    `All figures: [${name}.csv](${name}.csv).`,
  ].join("\n\n");
  await Deno.writeTextFile(`${folder}/${name}.md`, `${text}\n`);
}

/** A table as CSV. */
export function formatCsv(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cell = (value: Cell) => {
    const text = typeof value === "number" ? String(Number(value.toPrecision(6))) : value ?? "";
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

/** A table as Markdown; numbers stand right. */
export function formatMarkdown(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const cell = (value: Cell) => typeof value === "number" ? digits(value) : value ?? "-";
  const isNumber = columns.map((_, at) => rows.some((row) => typeof row[at] === "number"));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = isNumber.map((right) => right ? "---:" : "---");
  return [line(columns), line(rule), ...rows.map((row) => line(row.map(cell)))].join("\n");
}

/** A number with the digits that matter. */
export function digits(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

/**
 * A measure as a point of a plot.
 *
 * @param x where it stands
 * @param measure its value and spread
 */
export function pointOf(x: number, { mid, low, high }: Measure): Point {
  return {
    x,
    y: mid,
    ...(low !== undefined && { low }),
    ...(high !== undefined && { high }),
  };
}

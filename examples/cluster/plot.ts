/**
 * Draws runs: a row for each policy; what became of each class's requests over time, and how long
 * their answers took.
 *
 * @module
 */

import type { Chart } from "../../lib/lab/plot/chart.ts";
import { drawFigure } from "../../lib/lab/plot/figure.ts";
import { palette } from "../../lib/lab/plot/palette.ts";
import { type Outcome, outcomes } from "./load.ts";
import type { ClassSummary, RunSummary } from "./summary.ts";

/** What the outcomes are called in the legend, and their colours. */
const looks: Record<Outcome, readonly [name: string, colour: string]> = {
  local: ["served where it arrived", palette.green],
  neighbour: ["served by the neighbour", palette.sky],
  cloud: ["served in the cloud", palette.blue],
  late: ["late", palette.orange],
  refused: ["refused", palette.vermillion],
  failed: ["failed", palette.black],
};
const lineColours = [palette.purple, "#555555"];

/**
 * Draws runs.
 *
 * @param runs one for each policy, of the same length and load
 * @param title what it is about, one line
 * @param limits response-time limits to mark, s, by class; 0: none
 * @returns an SVG document
 */
export function drawRuns(
  runs: readonly RunSummary[],
  title: string,
  limits: Readonly<Record<string, number>>,
): string {
  const peak = Math.max(...runs.flatMap((run) => run.classes.map(highestRate)));
  const rows = runs.map((run) => ({
    title: run.policy.split("/").at(-1)!,
    charts: [...run.classes.map((one) => rateChart(run, one, peak)), responseChart(run, limits)],
  }));
  return drawFigure({ title, rows, plane: { width: 300, height: 150 } });
}

/** Requests per second, stacked by outcome. */
function rateChart(run: RunSummary, one: ClassSummary, peak: number): Chart {
  return {
    title: one.className,
    x: timeAxis(run),
    y: { label: "requests/s", min: 0, max: Math.ceil(peak / 20) * 20 },
    series: outcomes.map((outcome) => ({
      kind: "area",
      name: looks[outcome][0],
      colour: looks[outcome][1],
      points: one.timeline.map(({ at, rates }) => ({ x: middle(run, at), y: rates[outcome] })),
    })),
  };
}

/** 95th percentile of the response times, by class. */
function responseChart(run: RunSummary, limits: Readonly<Record<string, number>>): Chart {
  return {
    title: "response time of answers, 95th percentile",
    x: timeAxis(run),
    y: { label: "response time, ms", scale: "log", min: 50, max: 20_000 },
    series: run.classes.map(({ className, timeline }, i) => ({
      kind: "line",
      name: `response time of ${className}`,
      colour: lineColours[i],
      dots: false,
      points: timeline.map(({ at, p95Ms }) => ({ x: middle(run, at), y: p95Ms })),
    })),
    rules: run.classes.flatMap(({ className }, i) => {
      const y = (limits[className] ?? 0) * 1000;
      return y === 0 ? [] : [{ y, label: `limit of ${className}`, colour: lineColours[i] }];
    }),
  };
}

function timeAxis({ seconds }: RunSummary) {
  return { label: "time, s", min: 0, max: seconds };
}

/** The middle of a period that begins then. */
function middle({ periodSeconds }: RunSummary, at: number): number {
  return at + periodSeconds / 2;
}

function highestRate({ timeline }: ClassSummary): number {
  return Math.max(...timeline.map(({ rates }) => Object.values(rates).reduce((a, b) => a + b)));
}

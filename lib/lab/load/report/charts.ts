/**
 * Charts of a run.
 *
 * @module
 */

import type { Chart, Point } from "../../plot/chart.ts";
import { drawFigure, type Row } from "../../plot/figure.ts";
import { palette } from "../../plot/palette.ts";
import type { KindResult, LoadResult, SliceResult } from "./result.ts";

/** Maximum number of functions and classes in a chart. */
const maxLines = 14;
/** Ticks of a percentile axis, logarithmic in the distance from 100 %. */
const nines = [[0, "0"], [50, "50"], [90, "90"], [99, "99"], [99.9, "99.9"], [99.99, "99.99"]];
const percentileTicks = nines.map(([percent, label]) => ({
  at: nineScale(Number(percent) / 100),
  label: String(label),
}));

/**
 * Draws a run: the total and, if there are several, each function and class.
 *
 * @returns SVG documents
 */
export function drawRun({ total, kinds, seconds }: LoadResult): string[] {
  const draw = (rows: readonly Row[]) => drawFigure({ rows, plane: { width: 400, height: 200 } });
  const all = draw([
    { charts: [throughputChart(total, seconds), percentilesChart(total, seconds)] },
    { charts: [curveChart([total]), shareChart(total)] },
  ]);
  const shown = kinds.filter(({ due }) => due > 0).slice(0, maxLines);
  if (shown.length < 2) return [all];
  return [
    all,
    draw([
      { charts: [kindsChart("throughput", shown, seconds), kindsChart("p50", shown, seconds)] },
      { charts: [kindsChart("p99", shown, seconds), curveChart(shown)] },
    ]),
  ];
}

function throughputChart({ slices }: KindResult, seconds: number): Chart {
  const line = (name: string, colour: string, of: (slice: SliceResult) => number) => ({
    kind: "line" as const,
    name,
    colour,
    points: whole(slices, seconds).map((slice) => ({
      x: middle(slice),
      y: of(slice) / slice.seconds,
    })),
  });
  return {
    title: "throughput",
    x: timeAxis(seconds),
    y: { label: "requests/s" },
    series: [
      line("due", palette.black, ({ due }) => due),
      line("successful", palette.green, ({ ok }) => ok),
      line("failed", palette.vermillion, ({ failed }) => failed),
    ],
  };
}

function percentilesChart({ slices }: KindResult, seconds: number): Chart {
  const line = (name: string, colour: string, of: (slice: SliceResult) => number | undefined) => ({
    kind: "line" as const,
    name,
    colour,
    points: slices.map((slice): Point => ({ x: middle(slice), y: of(slice) })),
  });
  return {
    title: "response time of successful requests",
    x: timeAxis(seconds),
    y: { label: "response time, ms", scale: "log" },
    series: [
      line("median", palette.sky, ({ p50 }) => p50),
      line("90th percentile", palette.blue, ({ p90 }) => p90),
      line("99th percentile", palette.purple, ({ p99 }) => p99),
    ],
  };
}

/** Response time by percentile, as in HdrHistogram's plots. */
function curveChart(kinds: readonly KindResult[]): Chart {
  return {
    title: "response time by percentile",
    x: { label: "percentile, %", min: 0, max: 4, ticks: percentileTicks },
    y: { label: "response time, ms", scale: "log" },
    series: kinds.map((kind) => ({
      kind: "line",
      name: nameOf(kind),
      ...(kind.function === "all" && { colour: palette.blue }),
      dots: false,
      // The axis has no 100 %: the maximum of n values is drawn at the rank n of n + 1.
      points: kind.curve.map(({ ms, share }) => ({
        x: nineScale(Math.min(share, 1 - 1 / (kind.ok + 1))),
        y: ms,
      })),
    })),
  };
}

function shareChart(total: KindResult): Chart {
  return {
    title: "share of successful requests within a time",
    x: { label: "response time, ms", scale: "log" },
    y: { label: "share, %", min: 0, max: 100 },
    series: [{
      kind: "line",
      name: nameOf(total),
      colour: palette.blue,
      dots: false,
      points: total.curve.filter(({ ms }) => ms > 0).map(({ ms, share }) => ({
        x: ms,
        y: share * 100,
      })),
    }],
  };
}

const kindCharts = {
  throughput: {
    title: "successful requests by function and class",
    y: { label: "requests/s" },
    of: (slice: SliceResult) => slice.ok / slice.seconds,
  },
  p50: {
    title: "median response time by function and class",
    y: { label: "response time, ms", scale: "log" as const },
    of: (slice: SliceResult) => slice.p50,
  },
  p99: {
    title: "99th percentile by function and class",
    y: { label: "response time, ms", scale: "log" as const },
    of: (slice: SliceResult) => slice.p99,
  },
};

function kindsChart(
  what: keyof typeof kindCharts,
  kinds: readonly KindResult[],
  seconds: number,
): Chart {
  const { title, y, of } = kindCharts[what];
  return {
    title,
    x: timeAxis(seconds),
    y,
    series: kinds.map((kind) => ({
      kind: "line",
      name: nameOf(kind),
      points: (what === "throughput" ? whole(kind.slices, seconds) : kind.slices)
        .map((slice) => ({ x: middle(slice), y: of(slice) })),
    })),
  };
}

/** Returns the label of a kind. */
export function nameOf(kind: Pick<KindResult, "function" | "class">): string {
  return kind.class === "" ? kind.function : `${kind.function}, class ${kind.class}`;
}

/** Removes the last slice if the end of the run cuts it, since its rate would be too low. */
function whole(slices: readonly SliceResult[], seconds: number): readonly SliceResult[] {
  const full = slices.filter(({ at, seconds: length }) => at + length <= seconds + 1e-9);
  return full.length > 0 ? full : slices;
}

function middle({ at, seconds }: SliceResult): number {
  return at + seconds / 2;
}

function timeAxis(seconds: number) {
  return { label: "time, s", min: 0, max: Math.max(seconds, 0.001) };
}

/** Maps 0 % to 0, 90 % to 1, 99 % to 2, 99.9 % to 3. */
function nineScale(share: number): number {
  return -Math.log10(Math.max(1e-4, 1 - share));
}

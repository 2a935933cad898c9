/**
 * Draws runs as an SVG: a row for each policy; what became of each class's requests over time, and
 * how long their answers took.
 *
 * @module
 */

import { type Outcome, outcomes } from "./load.ts";
import type { ClassSummary, RunSummary } from "./summary.ts";

/** Colours that colour-blind people can tell apart (Okabe and Ito 2008). */
const colours: Record<Outcome, string> = {
  local: "#009E73",
  neighbour: "#56B4E9",
  cloud: "#0072B2",
  late: "#E69F00",
  refused: "#D55E00",
  failed: "#000000",
};
/** What the outcomes are called in the legend. */
const meanings: Record<Outcome, string> = {
  local: "served where it arrived",
  neighbour: "served by the neighbour",
  cloud: "served in the cloud",
  late: "late",
  refused: "refused",
  failed: "failed",
};
const lineColours = ["#CC79A7", "#555555"];

const panel = { width: 300, height: 150, gapX: 78, gapY: 64 };
const margin = { left: 170, top: 118, right: 40, bottom: 0 };
/** Range of the response-time axis, ms; it is logarithmic. */
const responseRange = { min: 50, max: 20_000 };
const responseTicks = [100, 500, 1000, 5000, 20_000];

/** A place in the drawing with its axes. */
interface Panel {
  readonly x: number;
  readonly y: number;
  /** Horizontal position of a time, s. */
  readonly atTime: (seconds: number) => number;
}

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
  const columns = runs[0]!.classes.length + 1;
  const width = margin.left + columns * (panel.width + panel.gapX) - panel.gapX + margin.right;
  const height = margin.top + runs.length * (panel.height + panel.gapY) + margin.bottom;
  const peak = niceCeil(Math.max(...runs.flatMap((run) => run.classes.map(highestRate))));
  const rows = runs.map((run, row) => drawRow(run, row, peak, limits));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    text(20, 32, title, `font-size="18" font-weight="bold"`),
    legend(runs[0]!.classes.map(({ className }) => className)),
    ...rows,
    "</svg>",
  ].join("\n") + "\n";
}

function drawRow(
  run: RunSummary,
  row: number,
  peak: number,
  limits: Readonly<Record<string, number>>,
): string {
  const y = margin.top + row * (panel.height + panel.gapY);
  const place = (column: number): Panel => {
    const x = margin.left + column * (panel.width + panel.gapX);
    return { x, y, atTime: (seconds) => x + seconds / run.seconds * panel.width };
  };
  const name = run.policy.split("/").at(-1)!;
  const parts = [text(20, y + panel.height / 2, name, `font-size="15" font-weight="bold"`)];
  run.classes.forEach((one, column) => parts.push(ratePanel(place(column), run, one, peak)));
  parts.push(responsePanel(place(run.classes.length), run, limits));
  return parts.join("\n");
}

/** Requests per second, stacked by outcome. */
function ratePanel(at: Panel, run: RunSummary, one: ClassSummary, peak: number): string {
  const toY = (rate: number) => at.y + panel.height * (1 - rate / peak);
  const base = one.timeline.map(() => 0);
  const areas = outcomes.map((outcome) => {
    const lower = one.timeline.map((period, i) => point(at, run, period.at, toY(base[i]!)));
    one.timeline.forEach(({ rates }, i) => base[i]! += rates[outcome]);
    const upper = one.timeline.map((period, i) => point(at, run, period.at, toY(base[i]!)));
    const outline = [...upper, ...lower.reverse()].join(" ");
    return `<polygon points="${outline}" fill="${colours[outcome]}"/>`;
  });
  const ticks = [0, peak / 4, peak / 2, peak * 3 / 4, peak]
    .map((rate) => yTick(at, toY(rate), String(rate)));
  return [
    text(at.x, at.y - 8, `${one.className}: requests/s`, `font-weight="bold"`),
    ...areas,
    ...ticks,
    timeAxis(at, run),
  ].join("\n");
}

/** 95th percentile of the response times, by class. */
function responsePanel(
  at: Panel,
  run: RunSummary,
  limits: Readonly<Record<string, number>>,
): string {
  const { min, max } = responseRange;
  const toY = (ms: number) => {
    const bounded = Math.min(max, Math.max(min, ms));
    return at.y + panel.height * (1 - Math.log(bounded / min) / Math.log(max / min));
  };
  const lines = run.classes.map(({ timeline }, i) => {
    const points = timeline.flatMap(({ at: seconds, p95Ms }) =>
      p95Ms === undefined ? [] : [point(at, run, seconds, toY(p95Ms))]
    );
    return `<polyline points="${points.join(" ")}" fill="none" ` +
      `stroke="${lineColours[i]}" stroke-width="2"/>`;
  });
  const marks = run.classes.flatMap(({ className }, i) => {
    const limitMs = (limits[className] ?? 0) * 1000;
    if (limitMs === 0) return [];
    const y = toY(limitMs);
    return [
      `<line x1="${at.x}" x2="${at.x + panel.width}" y1="${y}" y2="${y}" ` +
      `stroke="${lineColours[i]}" stroke-dasharray="5 4"/>`,
      text(at.x + panel.width - 4, y - 4, `limit of ${className}`, `text-anchor="end"`),
    ];
  });
  return [
    text(at.x, at.y - 8, "response time of answers, 95th percentile, ms", `font-weight="bold"`),
    ...responseTicks.map((ms) => yTick(at, toY(ms), String(ms))),
    ...marks,
    ...lines,
    timeAxis(at, run),
  ].join("\n");
}

function legend(classNames: readonly string[]): string {
  const parts: string[] = [];
  let x = 20;
  const add = (mark: string, label: string) => {
    parts.push(mark, text(x + 20, 63, label));
    x += 44 + label.length * 6.5;
  };
  for (const outcome of outcomes) {
    const square = `<rect x="${x}" y="52" width="14" height="14" fill="${colours[outcome]}"/>`;
    add(square, meanings[outcome]);
  }
  classNames.forEach((name, i) => {
    const line = `<line x1="${x}" x2="${x + 14}" y1="59" y2="59" stroke="${lineColours[i]}" ` +
      `stroke-width="3"/>`;
    add(line, `response time of ${name}`);
  });
  return parts.join("\n");
}

function timeAxis(at: Panel, run: RunSummary): string {
  const bottom = at.y + panel.height;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const seconds = share * run.seconds;
    return text(at.atTime(seconds), bottom + 16, String(seconds), `text-anchor="middle"`);
  });
  return [
    `<path d="M${at.x},${at.y}V${bottom}H${at.x + panel.width}" fill="none" stroke="#333"/>`,
    ...ticks,
    text(at.x + panel.width / 2, bottom + 32, "time, s", `text-anchor="middle"`),
  ].join("\n");
}

function yTick(at: Panel, y: number, label: string): string {
  return `<line x1="${at.x}" x2="${at.x + panel.width}" y1="${y}" y2="${y}" stroke="#333" ` +
    `stroke-opacity="0.15"/>` + text(at.x - 6, y + 4, label, `text-anchor="end"`);
}

/** A point in the middle of a period. */
function point(at: Panel, run: RunSummary, seconds: number, y: number): string {
  return `${at.atTime(seconds + run.periodSeconds / 2).toFixed(1)},${y.toFixed(1)}`;
}

function text(x: number, y: number, content: string, attributes = ""): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}

function highestRate({ timeline }: ClassSummary): number {
  return Math.max(...timeline.map(({ rates }) => Object.values(rates).reduce((a, b) => a + b)));
}

/** The next number above that quarters well. */
function niceCeil(value: number): number {
  const step = 20;
  return Math.max(step, Math.ceil(value / step) * step);
}

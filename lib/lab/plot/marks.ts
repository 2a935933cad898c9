/**
 * Marks of a chart: lines with their bands, stacked areas, bars, rules.
 *
 * @module
 */

import type { Chart, Frame, Point, Rule, Series } from "./chart.ts";
import { formatNumber } from "./scale.ts";
import type { SeriesStyle } from "./palette.ts";
import { element, escapeText, label, pointList } from "./svg.ts";

/** Maximum number of points that are marked by default. */
const fewPoints = 24;
/** Share of a category's width that its bars fill. */
const barShare = 0.8;

/**
 * Draws all series and rules of a chart.
 *
 * @param frame mapping of its values
 * @returns SVG elements, bottom to top
 */
export function drawMarks(
  { series, rules = [] }: Chart,
  frame: Frame,
  styles: ReadonlyMap<string, SeriesStyle>,
): string[] {
  const styleOf = ({ name }: Series) => styles.get(name)!;
  const lines = series.filter(({ kind }) => kind === "line");
  const bars = series.filter(({ kind }) => kind === "bars");
  const areas = series.filter(({ kind }) => kind === "area");
  return [
    ...drawAreas(areas, frame, styleOf),
    ...bars.flatMap((one, slot) => drawBars(one, slot, bars.length, frame, styleOf(one))),
    ...lines.map((one) => drawBand(one, frame, styleOf(one))),
    ...rules.map((rule) => drawRule(rule, frame)),
    ...lines.flatMap((one) => drawLine(one, frame, styleOf(one))),
  ];
}

function drawAreas(
  areas: readonly Series[],
  frame: Frame,
  styleOf: (series: Series) => SeriesStyle,
): string[] {
  const base = new Map<number, number>();
  return areas.map((area) => {
    const edge = () =>
      area.points.map(({ x }) => [frame.atX(x), frame.atY(base.get(x) ?? 0)] as const);
    const lower = edge().reverse();
    for (const { x, y = 0 } of area.points) base.set(x, (base.get(x) ?? 0) + y);
    const outline = [...edge(), ...lower];
    return element("polygon", { points: pointList(outline), fill: styleOf(area).colour });
  });
}

function drawBars(
  { name, points }: Series,
  slot: number,
  slots: number,
  frame: Frame,
  { colour }: SeriesStyle,
): string[] {
  const width = frame.categoryWidth * barShare / slots;
  return points.filter(({ y }) => y !== undefined).map((point) => {
    const x = frame.atX(point.x) + (slot - slots / 2) * width;
    const y = frame.atY(point.y!);
    const bar = element(
      "rect",
      { x, y, width: Math.max(1, width - 1), height: frame.y + frame.height - y, fill: colour },
      `<title>${escapeText(`${name}: ${formatNumber(point.y!)}`)}</title>`,
    );
    return bar + whisker(point, x + width / 2, frame);
  });
}

function whisker({ low, high }: Point, x: number, { atY }: Frame): string {
  if (low === undefined || high === undefined) return "";
  const [top, bottom] = [atY(high), atY(low)].map((y) => Math.round(y * 10) / 10);
  const at = Math.round(x * 10) / 10;
  const d = `M${at - 3},${top}h6m-3,0V${bottom}m-3,0h6`;
  return element("path", { d, fill: "none", stroke: "#333" });
}

/** Draws the interval of a line where it is known. */
function drawBand({ points }: Series, frame: Frame, { colour }: SeriesStyle): string {
  return unbroken(points).map((run) => {
    const known = run.filter(({ low, high }) => low !== undefined && high !== undefined);
    if (known.length < 2) return "";
    const upper = known.map(({ x, high }) => [frame.atX(x), frame.atY(high!)] as const);
    const lower = known.map(({ x, low }) => [frame.atX(x), frame.atY(low!)] as const);
    const outline = pointList([...upper, ...lower.reverse()]);
    return element("polygon", { points: outline, fill: colour, opacity: 0.18 });
  }).join("");
}

function drawLine(series: Series, frame: Frame, { colour, dash }: SeriesStyle): string[] {
  const { points, dots = points.length <= fewPoints } = series;
  const place = ({ x, y }: Point) => [frame.atX(x), frame.atY(y!)] as const;
  const strokes = unbroken(points).map((run) =>
    element("polyline", {
      points: pointList(run.map(place)),
      fill: "none",
      stroke: colour,
      "stroke-width": 2,
      "stroke-dasharray": dash,
    })
  );
  if (!dots) return strokes;
  const marks = points.filter(({ y }) => y !== undefined).map((point) => {
    const [cx, cy] = place(point);
    const text = `${series.name}: ${formatNumber(point.y!)} at ${formatNumber(point.x)}`;
    return element("circle", { cx, cy, r: 3, fill: colour }, `<title>${escapeText(text)}</title>`);
  });
  return [...strokes, ...marks];
}

/** Splits a line at its gaps. */
function unbroken(points: readonly Point[]): Point[][] {
  const runs: Point[][] = [[]];
  for (const point of points) {
    if (point.y === undefined) runs.push([]);
    else runs.at(-1)!.push(point);
  }
  return runs.filter((run) => run.length > 0);
}

function drawRule({ y, label: content, colour = "#555" }: Rule, frame: Frame): string {
  const at = frame.atY(y);
  const end = frame.x + frame.width;
  return element("line", {
    x1: frame.x,
    x2: end,
    y1: at,
    y2: at,
    stroke: colour,
    "stroke-dasharray": "5 4",
  }) + label(end - 4, at - 4, content, { "text-anchor": "end", fill: colour });
}

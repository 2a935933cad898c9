/**
 * Drawing of one chart with its axes.
 *
 * @module
 */

import type { Axis, Chart, Frame, Plane } from "./chart.ts";
import { drawMarks } from "./marks.ts";
import type { SeriesStyle } from "./palette.ts";
import { linearScale, logScale, type Scale, type Tick } from "./scale.ts";
import { element, label } from "./svg.ts";

/** Margins of a chart around its plane. */
export const chartMargin = { left: 62, right: 16, top: 24, bottom: 42 } as const;

/**
 * Draws a chart.
 *
 * @param plane its rectangle without {@link chartMargin}
 * @returns SVG elements
 */
export function drawChart(
  chart: Chart,
  plane: Plane,
  styles: ReadonlyMap<string, SeriesStyle>,
): string {
  const yScale = scaleOf(chart.y, valuesOf(chart), true);
  const frame = frameOf(chart, plane, yScale);
  const { x, y, width, height } = plane;
  return [
    label(x, y - 9, chart.title, { "font-weight": "bold" }),
    ...(chart.y.ticks ?? yScale.ticks).map((tick) => horizontal(frame, tick)),
    ...drawMarks(chart, frame, styles),
    element("path", { d: `M${x},${y}V${y + height}H${x + width}`, fill: "none", stroke: "#333" }),
    ...xLabels(chart, frame),
    label(x + width / 2, y + height + 34, chart.x.label, { "text-anchor": "middle" }),
    verticalLabel(frame, chart.y.label),
  ].join("\n");
}

function frameOf(chart: Chart, plane: Plane, yScale: Scale): Frame {
  const { x, y, width, height } = plane;
  const atY = (value: number) => y + height * (1 - yScale.place(value));
  if ("categories" in chart.x) {
    const categoryWidth = width / Math.max(1, chart.x.categories.length);
    return { ...plane, atX: (index) => x + (index + 0.5) * categoryWidth, atY, categoryWidth };
  }
  const scale = xScale(chart);
  return { ...plane, atX: (value) => x + width * scale.place(value), atY, categoryWidth: 0 };
}

function xScale(chart: Chart): Scale {
  return scaleOf(chart.x as Axis, chart.series.flatMap(({ points }) => points.map((p) => p.x)));
}

function scaleOf(axis: Axis, values: readonly number[], fromZero = false): Scale {
  const known = values.filter(Number.isFinite);
  const least = (from: readonly number[]) => from.reduce((a, b) => Math.min(a, b), Infinity);
  const largest = known.reduce((a, b) => Math.max(a, b), -Infinity);
  const max = axis.max ?? (Number.isFinite(largest) ? largest : 1);
  const exact = axis.min !== undefined && axis.max !== undefined || !fromZero;
  if (axis.scale === "log") {
    return logScale(axis.min ?? least(known.filter((value) => value > 0)), max, exact);
  }
  const min = axis.min ?? (fromZero ? Math.min(0, least(known)) : least(known));
  return linearScale(Number.isFinite(min) ? min : 0, max, exact);
}

/** Values that the vertical axis must cover; sums for areas. */
function valuesOf({ series, rules = [] }: Chart): number[] {
  const sums = new Map<number, number>();
  for (const { points } of series.filter(({ kind }) => kind === "area")) {
    for (const { x, y = 0 } of points) sums.set(x, (sums.get(x) ?? 0) + y);
  }
  const others = series.filter(({ kind }) => kind !== "area").flatMap(({ points }) =>
    points.flatMap(({ y, low, high }) => [y, low, high])
  );
  const known = others.filter((value) => value !== undefined);
  return [...sums.values(), ...known, ...rules.map(({ y }) => y)];
}

function horizontal({ x, width, atY }: Frame, tick: Tick): string {
  const y = atY(tick.at);
  return element("line", { x1: x, x2: x + width, y1: y, y2: y, stroke: "#333", opacity: 0.15 }) +
    label(x - 6, y + 4, tick.label, { "text-anchor": "end" });
}

function xLabels(chart: Chart, frame: Frame): string[] {
  const y = frame.y + frame.height + 17;
  const ticks = "categories" in chart.x
    ? chart.x.categories.map((name, at) => ({ at, label: name }))
    : chart.x.ticks ?? xScale(chart).ticks;
  return ticks.map((tick) => label(frame.atX(tick.at), y, tick.label, { "text-anchor": "middle" }));
}

function verticalLabel({ x, y, height }: Plane, content: string): string {
  const [at, middle] = [x - 48, y + height / 2];
  return label(at, middle, content, {
    "text-anchor": "middle",
    transform: `rotate(-90 ${Math.round(at)} ${Math.round(middle)})`,
  });
}

/**
 * Figures: rows of charts with a common legend.
 *
 * @module
 */

import type { Chart, Series } from "./chart.ts";
import { chartMargin, drawChart } from "./draw_chart.ts";
import { type SeriesStyle, seriesStyle } from "./palette.ts";
import { element, label, textWidth } from "./svg.ts";

/** Row of charts. */
export interface Row {
  /** Title at the left of the row. */
  readonly title?: string;
  /** Charts, left to right. */
  readonly charts: readonly Chart[];
}

/** Charts with a title and a legend. */
export interface Figure {
  /** Title, one line. */
  readonly title?: string;
  /** Subtitle, wrapped, such as machine and date. */
  readonly subtitle?: string;
  /** Rows, top to bottom. */
  readonly rows: readonly Row[];
  /** Size of each chart's plane. */
  readonly plane?: { readonly width: number; readonly height: number };
}

const defaultPlane = { width: 340, height: 190 };
const edge = 16;
const fontSize = 12;
const titleSize = 17;
const rowTitleSize = 15;
const legendLine = 20;

/**
 * Draws a figure.
 *
 * @param figure charts; series of the same name have the same style in all of them
 * @returns a self-contained SVG document
 *
 * @example
 * ```ts
 * const svg = drawFigure({
 *   title: "Response time",
 *   rows: [{
 *     charts: [{
 *       title: "median and range of 3 runs",
 *       x: { label: "clients" },
 *       y: { label: "response time, ms" },
 *       series: [{ kind: "line", name: "python", points: [{ x: 1, y: 2, low: 1, high: 3 }] }],
 *     }],
 *   }],
 * });
 * ```
 */
export function drawFigure(figure: Figure): string {
  const plane = figure.plane ?? defaultPlane;
  const cell = {
    width: chartMargin.left + plane.width + chartMargin.right,
    height: chartMargin.top + plane.height + chartMargin.bottom,
  };
  const columns = Math.max(1, ...figure.rows.map(({ charts }) => charts.length));
  const rowTitle = Math.max(
    0,
    ...figure.rows.map(({ title }) => title ? textWidth(title, rowTitleSize) + 24 : 0),
  );
  const width = 2 * edge + rowTitle + columns * cell.width;
  const styles = stylesOf(figure);
  const head = drawHead(figure, width, styles);
  const rows = figure.rows.map(({ title = "", charts }, row) => {
    const top = head.height + row * cell.height;
    const y = top + chartMargin.top;
    const drawn = charts.map((chart, column) => {
      const x = edge + rowTitle + column * cell.width + chartMargin.left;
      return drawChart(chart, { x, y, ...plane }, styles);
    });
    const at = y + plane.height / 2;
    return [
      title && label(edge, at, title, { "font-size": rowTitleSize, "font-weight": "bold" }),
      ...drawn,
    ];
  });
  const height = head.height + figure.rows.length * cell.height + edge;
  const content = [
    element("rect", { width: "100%", height: "100%", fill: "white" }),
    ...head.parts,
    ...rows.flat(),
  ].filter((part) => part !== "");
  return element("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
    width: Math.ceil(width),
    height: Math.ceil(height),
    "font-family": "sans-serif",
    "font-size": fontSize,
  }, `\n${content.join("\n")}\n`) + "\n";
}

function drawHead(
  { title, subtitle, rows }: Figure,
  width: number,
  styles: ReadonlyMap<string, SeriesStyle>,
): { readonly height: number; readonly parts: string[] } {
  let y = edge;
  const parts: string[] = [];
  if (title) {
    y += 18;
    parts.push(label(edge, y, title, { "font-size": titleSize, "font-weight": "bold" }));
  }
  for (const line of subtitle ? wrapped(subtitle, width - 2 * edge) : []) {
    y += 16;
    parts.push(label(edge, y, line, { fill: "#555" }));
  }
  if (title || subtitle) y += 10;
  const legend = drawLegend(seriesOf(rows), styles, y, width - 2 * edge);
  return { height: legend.bottom + 6, parts: [...parts, ...legend.parts] };
}

function drawLegend(
  series: readonly Series[],
  styles: ReadonlyMap<string, SeriesStyle>,
  top: number,
  width: number,
): { readonly bottom: number; readonly parts: string[] } {
  let [x, y] = [edge, top + 14];
  const parts = series.map(({ name, kind }) => {
    const needed = 42 + textWidth(name, fontSize);
    if (x > edge && x + needed > edge + width) [x, y] = [edge, y + legendLine];
    const { colour, dash } = styles.get(name)!;
    const sign = kind === "line"
      ? element("line", {
        x1: x,
        x2: x + 18,
        y1: y - 4,
        y2: y - 4,
        stroke: colour,
        "stroke-width": 3,
        "stroke-dasharray": dash,
      })
      : element("rect", { x: x + 2, y: y - 11, width: 14, height: 14, fill: colour });
    const drawn = sign + label(x + 24, y, name);
    x += needed;
    return drawn;
  });
  return { bottom: series.length > 0 ? y + legendLine - 8 : top, parts };
}

/** Wraps a text to a width. */
function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) === "" || textWidth(longer, fontSize) <= width) {
      lines[lines.length - 1] = longer;
    } else lines.push(word);
  }
  return lines;
}

/** Returns the first series of each name. */
function seriesOf(rows: readonly Row[]): Series[] {
  const byName = new Map<string, Series>();
  for (const series of rows.flatMap(({ charts }) => charts.flatMap((chart) => chart.series))) {
    if (!byName.has(series.name)) byName.set(series.name, series);
  }
  return [...byName.values()];
}

/** Assigns a style to each name: its own colour, or the next of the palette. */
function stylesOf({ rows }: Figure): Map<string, SeriesStyle> {
  let next = 0;
  return new Map(
    seriesOf(rows).map(({ name, colour }) => [
      name,
      colour === undefined ? seriesStyle(next++) : { colour, dash: undefined },
    ]),
  );
}

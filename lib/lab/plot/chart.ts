/**
 * Charts as data: axes and series.
 *
 * @module
 */

import type { Tick } from "./scale.ts";

/** A point, optionally with an interval. */
export interface Point {
  /** Value on the horizontal axis, or index of a category. */
  readonly x: number;
  /** Value on the vertical axis; undefined interrupts the line. */
  readonly y: number | undefined;
  /** Lower end of the interval, drawn as a band of lines and a whisker of bars. */
  readonly low?: number;
  /** Upper end of the interval. */
  readonly high?: number;
}

/** Series of points with a name in the legend. */
export interface Series {
  /** Kind; areas are stacked in their order and must have the same `x` values. */
  readonly kind: "line" | "area" | "bars";
  /** Name in the legend; a name has the same style in all charts of a figure. */
  readonly name: string;
  /** Points in order of `x`. */
  readonly points: readonly Point[];
  /** CSS colour; by default one of the palette. */
  readonly colour?: string;
  /** Whether points of a line are marked; by default if there are few. */
  readonly dots?: boolean;
}

/** Dashed horizontal line, such as a limit. */
export interface Rule {
  /** Value on the vertical axis. */
  readonly y: number;
  readonly label: string;
  /** CSS colour; grey by default. */
  readonly colour?: string;
}

/** Numeric axis. */
export interface Axis {
  /** Label with unit: `time, s`. */
  readonly label: string;
  /** Scale; `linear` by default. */
  readonly scale?: "linear" | "log";
  /** Minimum; by default that of the data, or 0 on linear vertical axes. */
  readonly min?: number;
  /** Maximum; by default that of the data. */
  readonly max?: number;
  /** Ticks instead of the default ones. */
  readonly ticks?: readonly Tick[];
}

/** Categorical axis, for bars. */
export interface Categories {
  readonly label: string;
  /** Names, left to right. */
  readonly categories: readonly string[];
}

/** A chart. */
export interface Chart {
  /** Title, one line. */
  readonly title: string;
  /** Horizontal axis. */
  readonly x: Axis | Categories;
  /** Vertical axis. */
  readonly y: Axis;
  /** Series, drawn in order. */
  readonly series: readonly Series[];
  /** Horizontal lines. */
  readonly rules?: readonly Rule[];
}

/** Rectangle of a chart in the drawing. */
export interface Plane {
  /** Left edge. */
  readonly x: number;
  /** Upper edge. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Mapping of values to positions in the drawing. */
export interface Frame extends Plane {
  /** Horizontal position of a value or of a category's centre. */
  atX(value: number): number;
  /** Vertical position of a value. */
  atY(value: number): number;
  /** Width of a category; 0 on numeric axes. */
  readonly categoryWidth: number;
}

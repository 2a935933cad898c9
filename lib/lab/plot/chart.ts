/**
 * What a chart is: axes, and what is drawn between them.
 *
 * @module
 */

import type { Tick } from "./scale.ts";

/** A value at a place, perhaps with its spread. */
export interface Point {
  /** Value on the horizontal axis; for categories the index of one. */
  readonly x: number;
  /** Value on the vertical axis; undefined: unknown, the line is interrupted. */
  readonly y: number | undefined;
  /** Lower end of the spread, drawn as a band of lines and a whisker of bars. */
  readonly low?: number;
  /** Upper end of the spread. */
  readonly high?: number;
}

/** Something drawn in a chart and named in the legend. */
export interface Series {
  /** `area`s of a chart are stacked in their order and must have the same places. */
  readonly kind: "line" | "area" | "bars";
  /** What the legend calls it; the same name has the same style in a whole figure. */
  readonly name: string;
  /** In the order of `x`. */
  readonly points: readonly Point[];
  /** CSS colour; else one of the palette. */
  readonly colour?: string;
  /** Marks each point of a line; where this is absent, if there are few. */
  readonly dots?: boolean;
}

/** A dashed line across the chart, such as a limit. */
export interface Rule {
  /** Value on the vertical axis. */
  readonly y: number;
  /** What it says. */
  readonly label: string;
  /** CSS colour; grey where this is absent. */
  readonly colour?: string;
}

/** An axis of numbers. */
export interface Axis {
  /** What it measures, with its unit: `time, s`. */
  readonly label: string;
  /** `linear` where this is absent. */
  readonly scale?: "linear" | "log";
  /** First value; else that of the data, 0 on linear vertical axes. */
  readonly min?: number;
  /** Last value; else that of the data. */
  readonly max?: number;
  /** Ticks instead of the usual ones. */
  readonly ticks?: readonly Tick[];
}

/** An axis of names, for bars. */
export interface Categories {
  /** What they are. */
  readonly label: string;
  /** Their names, left to right. */
  readonly categories: readonly string[];
}

/** What to draw. */
export interface Chart {
  /** What it shows, one line. */
  readonly title: string;
  /** Horizontal axis. */
  readonly x: Axis | Categories;
  /** Vertical axis. */
  readonly y: Axis;
  /** What is drawn, the first below the others. */
  readonly series: readonly Series[];
  /** Lines across it. */
  readonly rules?: readonly Rule[];
}

/** Where a chart's plane lies in the drawing. */
export interface Plane {
  /** Left edge. */
  readonly x: number;
  /** Upper edge. */
  readonly y: number;
  /** Its width. */
  readonly width: number;
  /** Its height. */
  readonly height: number;
}

/** Places of values in the drawing. */
export interface Frame extends Plane {
  /** Horizontal place of a value; of a category's middle. */
  atX(value: number): number;
  /** Vertical place of a value. */
  atY(value: number): number;
  /** Width that each category has; 0 on axes of numbers. */
  readonly categoryWidth: number;
}

/**
 * Colours that colour-blind people can tell apart (Okabe and Ito 2008).
 *
 * @module
 */

/** Their names. */
export const palette = {
  blue: "#0072B2",
  orange: "#E69F00",
  green: "#009E73",
  vermillion: "#D55E00",
  purple: "#CC79A7",
  sky: "#56B4E9",
  black: "#000000",
} as const;

const order: readonly string[] = Object.values(palette);
const dashes: readonly (string | undefined)[] = [undefined, "6 4", "2 3"];

/** How a series is told from the others of its chart. */
export interface SeriesStyle {
  /** Colour of its line or bars. */
  readonly colour: string;
  /** `stroke-dasharray` of its line; undefined: drawn through. */
  readonly dash: string | undefined;
}

/**
 * The style of a series by its place: colours first, then dashes.
 *
 * @param index its place among the series, from 0
 */
export function seriesStyle(index: number): SeriesStyle {
  return {
    colour: order[index % order.length]!,
    dash: dashes[Math.floor(index / order.length) % dashes.length],
  };
}

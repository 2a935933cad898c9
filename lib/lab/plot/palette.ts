/**
 * Colours that colour-blind people can distinguish (Okabe and Ito 2008).
 *
 * @module
 */

/** Colours by name. */
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

/** Style of a series. */
export interface SeriesStyle {
  /** Colour of its line or bars. */
  readonly colour: string;
  /** `stroke-dasharray` of its line; undefined for a solid one. */
  readonly dash: string | undefined;
}

/** Returns the style of a series: colours first, then dashes. */
export function seriesStyle(index: number): SeriesStyle {
  return {
    colour: order[index % order.length]!,
    dash: dashes[Math.floor(index / order.length) % dashes.length],
  };
}

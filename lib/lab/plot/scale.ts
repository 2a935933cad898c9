/**
 * From values to places on an axis, and the ticks that people read them by.
 *
 * @module
 */

/** A marked place on an axis. */
export interface Tick {
  /** Its value. */
  readonly at: number;
  /** What is written there. */
  readonly label: string;
}

/** A range of values with its ticks. */
export interface Scale {
  /** Ticks in ascending order, the outermost perhaps at the ends of the range. */
  readonly ticks: readonly Tick[];
  /** Where a value stands, 0 (the range's begin) to 1 (its end); values outside are moved in. */
  place(value: number): number;
}

/** How many ticks an axis should have at most. */
const maxTicks = 6;
/** Most decades that a logarithmic axis shows; smaller values stand at its begin. */
const maxDecades = 9;
/** What is smaller than this, or than this share of an axis's values, counts as nothing. */
const tiniest = 1e-9;

/**
 * An even axis.
 *
 * @param min first value
 * @param max last value; the range is widened to the next tick unless `exact`
 * @param exact keeps the ends as they are
 */
export function linearScale(min: number, max: number, exact = false): Scale {
  const size = Math.max(Math.abs(min), Math.abs(max), tiniest);
  const upper = max - min > size * tiniest ? max : min + Math.max(1, size);
  const step = niceStep((upper - min) / (maxTicks - 1));
  const [low, high] = exact
    ? [min, upper]
    : [Math.floor(min / step) * step, Math.ceil(upper / step - 1e-9) * step];
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => {
    const at = Number(((first + i) * step).toPrecision(12));
    return { at, label: formatNumber(at) };
  });
  return { ticks, place: (value) => bounded((value - low) / (high - low)) };
}

/**
 * A logarithmic axis.
 *
 * @param min first value, positive
 * @param max last value; the range is widened to the next 1, 2 or 5 of a decade unless `exact`
 * @param exact keeps the ends as they are
 */
export function logScale(min: number, max: number, exact = false): Scale {
  const end = max > tiniest ? max : 1;
  const begin = min < end * (1 - tiniest) ? Math.max(min, end / 10 ** maxDecades) : end / 10;
  const all = marks(Math.floor(Math.log10(begin)), Math.ceil(Math.log10(end)), [1, 2, 5]);
  const low = exact ? begin : all.findLast((at) => at <= begin * (1 + 1e-9)) ?? begin;
  const high = exact ? end : all.find((at) => at >= end * (1 - 1e-9)) ?? end;
  const inside = (at: number) => at >= low * (1 - 1e-9) && at <= high * (1 + 1e-9);
  const decades = Math.log10(high / low);
  const ticks = all.filter(inside).filter((at) => decades < 2.2 || isPowerOfTen(at));
  return {
    ticks: ticks.map((at) => ({ at, label: formatNumber(at) })),
    place: (value) => value <= 0 ? 0 : bounded(Math.log(value / low) / Math.log(high / low)),
  };
}

/**
 * A number as an axis shows it, e.g. `0.25`, `2000`, `20k`, `1.5M`.
 *
 * @param value any finite number
 */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e4) return `${trim(value / 1e3)}k`;
  return trim(value);
}

function trim(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function isPowerOfTen(value: number): boolean {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9;
}

function marks(from: number, to: number, digits: readonly number[]): number[] {
  const decades = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  return decades.flatMap((exponent) => digits.map((d) => Number(`${d}e${exponent}`)));
}

/** The next number above that is 1, 2 or 5 of its decade. */
function niceStep(least: number): number {
  const decade = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((digit) => digit * decade >= least * (1 - 1e-9))! * decade;
}

function bounded(share: number): number {
  return Math.min(1, Math.max(0, share));
}

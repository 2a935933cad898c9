/**
 * Scales of axes and their ticks.
 *
 * @module
 */

/** Tick of an axis. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** Scale of an axis. */
export interface Scale {
  /** Ticks in ascending order. */
  readonly ticks: readonly Tick[];
  /** Maps a value to 0 (start of the range) to 1 (end); values outside are clamped. */
  place(value: number): number;
}

/** Target for the maximum number of ticks. */
const maxTicks = 6;
/** Maximum number of decades of a logarithmic axis; smaller values are clamped. */
const maxDecades = 9;
/** Absolute and relative size below which values count as 0. */
const tiniest = 1e-9;

/**
 * Creates a linear scale.
 *
 * @param min minimum
 * @param max maximum; the range is widened to the next tick unless `exact`
 * @param exact keeps the ends of the range
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
 * Creates a logarithmic scale.
 *
 * @param min minimum, positive
 * @param max maximum; the range is widened to the next 1, 2 or 5 of a decade unless `exact`
 * @param exact keeps the ends of the range
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
 * Formats a number for an axis, e.g. `0.25`, `2000`, `20k`, `1.5M`.
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

/** Rounds up to 1, 2 or 5 of a decade. */
function niceStep(least: number): number {
  const decade = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((digit) => digit * decade >= least * (1 - 1e-9))! * decade;
}

function bounded(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/**
 * Random quantities of a simulation, each drawn from a source of chance that comes in.
 *
 * @module
 */

/** Uniform in [0, 1). */
export type Random = () => number;

/**
 * Exponential with mean 1.
 *
 * @param random chance
 */
export function exponential(random: Random): number {
  return -Math.log(1 - random());
}

/**
 * Normal with mean 0 and variance 1 (Box and Muller 1958).
 *
 * @param random chance
 */
export function normal(random: Random): number {
  return Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random());
}

/**
 * Gamma with mean 1: 1 is exponential, 1/k is Erlang of k stages, 0 is always 1.
 *
 * @param random chance
 * @param scv squared coefficient of variation
 */
export function gamma(random: Random, scv: number): number {
  if (scv <= 0) return 1;
  const shape = 1 / scv;
  const stages = Math.round(shape);
  if (stages <= 16 && Math.abs(shape - stages) < 1e-9) {
    let sum = 0;
    for (let stage = 0; stage < stages; stage++) sum += exponential(random);
    return sum / stages;
  }
  return shape < 1
    ? marsaglia(random, shape + 1) * (1 - random()) ** (1 / shape) / shape
    : marsaglia(random, shape) / shape;
}

/** Gamma of a shape of at least 1, scale 1, by rejection (Marsaglia and Tsang 2000). */
function marsaglia(random: Random, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < x * x / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** A normal distribution cut off at both ends. */
export interface TruncatedNormal {
  /** Mean of the normal distribution. */
  readonly mean: number;
  /** Its standard deviation. */
  readonly deviation: number;
  /** Least value. */
  readonly min: number;
  /** Largest value. */
  readonly max: number;
}

/** Draws from a truncated normal distribution before the nearest bound is taken. */
const maxRejections = 100;

/**
 * Draws from a truncated normal distribution.
 *
 * @param random chance
 * @param of which
 */
export function truncatedNormal(random: Random, of: TruncatedNormal): number {
  const { mean, deviation, min, max } = of;
  for (let draw = 0; draw < maxRejections; draw++) {
    const value = mean + deviation * normal(random);
    if (value >= min && value <= max) return value;
  }
  return Math.min(max, Math.max(min, mean));
}

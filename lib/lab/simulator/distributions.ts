/**
 * Random distributions.
 *
 * @module
 */

/** Source of random numbers, uniform in [0, 1). */
export type Random = () => number;

/**
 * Draws from an exponential distribution with mean 1.
 *
 * @param random source of randomness
 */
export function exponential(random: Random): number {
  return -Math.log(1 - random());
}

/**
 * Draws from the standard normal distribution (Box and Muller 1958).
 *
 * @param random source of randomness
 */
export function normal(random: Random): number {
  return Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random());
}

/**
 * Draws from a gamma distribution with mean 1: exponential for 1, Erlang with k stages for 1/k.
 *
 * @param random source of randomness
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

/** Draws from a gamma distribution with shape of at least 1 and scale 1 (Marsaglia and Tsang 2000). */
function marsaglia(random: Random, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < x * x / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Truncated normal distribution. */
export interface TruncatedNormal {
  /** Mean before truncation. */
  readonly mean: number;
  /** Standard deviation before truncation. */
  readonly deviation: number;
  /** Minimum. */
  readonly min: number;
  /** Maximum. */
  readonly max: number;
}

/** Number of rejections before the mean is clamped instead. */
const maxRejections = 100;

/**
 * Draws from a truncated normal distribution.
 *
 * @param random source of randomness
 */
export function truncatedNormal(random: Random, of: TruncatedNormal): number {
  const { mean, deviation, min, max } = of;
  for (let draw = 0; draw < maxRejections; draw++) {
    const value = mean + deviation * normal(random);
    if (value >= min && value <= max) return value;
  }
  return Math.min(max, Math.max(min, mean));
}

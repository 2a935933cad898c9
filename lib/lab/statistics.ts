/**
 * Statistics of samples.
 *
 * @module
 */

/** Mean with its 95 % confidence interval. */
export interface Estimate {
  readonly mean: number;
  /** Half-width of the interval; null for a single sample. */
  readonly ci: number | null;
}

/** Two-sided 95 % quantiles of Student's t distribution for 1, 2, ... degrees of freedom. */
const t95Table = [
  12.706,
  4.303,
  3.182,
  2.776,
  2.571,
  2.447,
  2.365,
  2.306,
  2.262,
  2.228,
  2.201,
  2.179,
  2.16,
  2.145,
  2.131,
  2.12,
  2.11,
  2.101,
  2.093,
  2.086,
  2.08,
  2.074,
  2.069,
  2.064,
  2.06,
  2.056,
  2.052,
  2.048,
  2.045,
  2.042,
];
/** Two-sided 95 % quantile of the normal distribution. */
const normal95 = 1.959964;

/**
 * Returns the two-sided 95 % quantile of Student's t distribution; beyond the table by an expansion with
 * four correct digits (Cornish and Fisher 1938; Abramowitz and Stegun 26.7.5).
 *
 * @param freedom degrees of freedom, at least 1
 */
export function t95(freedom: number): number {
  const exact = t95Table[freedom - 1];
  if (exact !== undefined) return exact;
  const z = normal95;
  return z + (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}

/**
 * Estimates the mean of independent samples.
 *
 * @param samples at least one; NaN is ignored
 */
export function estimate(samples: readonly number[]): Estimate {
  const known = samples.filter((sample) => !Number.isNaN(sample));
  const count = known.length;
  const mean = meanOf(known);
  if (count < 2) return { mean, ci: null };
  const variance = known.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (count - 1);
  return { mean, ci: t95(count - 1) * Math.sqrt(variance / count) };
}

/**
 * Returns the mean.
 *
 * @returns NaN if there are no samples
 */
export function meanOf(samples: readonly number[]): number {
  return samples.reduce((sum, each) => sum + each, 0) / samples.length;
}

/**
 * Returns the median.
 *
 * @param samples in any order
 * @returns NaN if there are no samples
 */
export function medianOf(samples: readonly number[]): number {
  const sorted = Float64Array.from(samples).sort();
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? NaN) + high) / 2;
}

/**
 * Returns a quantile by nearest rank.
 *
 * @param samples in any order
 * @param quantile 0 to 1
 * @returns NaN if there are no samples
 */
export function quantileOf(samples: ArrayLike<number>, quantile: number): number {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? NaN;
}

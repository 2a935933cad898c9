/**
 * Statistics of samples: mean, median, quantiles, and means with their 95 % confidence intervals.
 *
 * @module
 */

/** A mean with the half-width of its 95 % confidence interval. */
export interface Estimate {
  /** Mean over the seeds. */
  readonly mean: number;
  /** Half-width; null for a single seed. */
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
/** The quantile of the normal distribution. */
const normal95 = 1.959964;

/**
 * The two-sided 95 % quantile of Student's t distribution; beyond the table from the normal one's
 * (Cornish and Fisher 1938; Abramowitz and Stegun 26.7.5), right to four digits.
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
 * The mean of independent samples.
 *
 * @param samples at least one; NaN where one has none, which is left out
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
 * The mean.
 *
 * @returns NaN where there is nothing
 */
export function meanOf(samples: readonly number[]): number {
  return samples.reduce((sum, each) => sum + each, 0) / samples.length;
}

/**
 * The value in the middle; between the two in the middle where their number is even.
 *
 * @param samples in any order
 * @returns NaN where there is nothing
 */
export function medianOf(samples: readonly number[]): number {
  const sorted = Float64Array.from(samples).sort();
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? NaN) + high) / 2;
}

/**
 * A quantile by the nearest rank.
 *
 * @param samples in any order
 * @param quantile 0 to 1
 * @returns NaN where there is nothing
 */
export function quantileOf(samples: ArrayLike<number>, quantile: number): number {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? NaN;
}

/**
 * Formulas of the gamma distribution.
 *
 * @module
 */

/** Maximum number of terms of a series or continued fraction. */
const maxTerms = 500;
/** Relative size of a term at which a series ends. */
const precision = 1e-12;

/**
 * Cumulative distribution function.
 *
 * @param scv squared coefficient of variation
 */
export function gammaCdf(value: number, mean: number, scv: number): number {
  if (value <= 0) return 0;
  if (value === Infinity) return 1;
  if (scv <= 0 || mean <= 0) return value >= mean ? 1 : 0;
  return lowerGamma(1 / scv, value / (mean * scv));
}

/**
 * Mean of the minimum of a gamma-distributed quantity and a value.
 *
 * @param mean mean of the distribution
 * @param scv squared coefficient of variation
 */
export function cutGammaMean(value: number, mean: number, scv: number): number {
  if (value <= 0) return 0;
  if (value === Infinity) return mean;
  if (scv <= 0) return Math.min(value, mean);
  const shape = 1 / scv;
  const x = value / (mean * scv);
  return mean * lowerGamma(shape + 1, x) + value * (1 - lowerGamma(shape, x));
}

/** Regularized lower incomplete gamma function (Numerical Recipes, section 6.2). */
function lowerGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < maxTerms && term > sum * precision; n++) sum += term *= x / (a + n);
    return Math.min(1, front * sum);
  }
  // Lentz's method for the continued fraction of the upper function.
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < maxTerms; n++) {
    const factor = n * (a - n);
    b += 2;
    d = 1 / (factor * d + b);
    c = b + factor / c;
    const step = c * d;
    fraction *= step;
    if (Math.abs(step - 1) < precision) break;
  }
  return Math.max(0, 1 - front * fraction);
}

/** Logarithm of the gamma function (Lanczos 1964; coefficients of Numerical Recipes, section 6.1). */
function logGamma(x: number): number {
  const coefficients = [
    76.18009172947146,
    -86.50532032941677,
    24.01409824083091,
    -1.231739572450155,
    0.1208650973866179e-2,
    -0.5395239384953e-5,
  ];
  const shifted = x + 5.5;
  let series = 1.000000000190015;
  coefficients.forEach((each, at) => series += each / (x + 1 + at));
  return (x + 0.5) * Math.log(shifted) - shifted + Math.log(2.5066282746310005 * series / x);
}

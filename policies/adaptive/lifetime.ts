/**
 * Distribution of a function's execution times in multiples of their mean: survival probabilities of
 * logarithmic bins, estimated from complete and censored executions. Of two estimates the lower survival
 * counts: by the executions that reach a bin (Kaplan and Meier 1958), exact if all end at one point of
 * it, and by the time spent in it (piecewise exponential, Friedman 1982), exact if all are interrupted at
 * one point of it.
 *
 * @module
 */

/** Upper end of the first bin, as a multiple of the mean. */
const firstEdge = 0.02;
/** Ratio of the ends of neighbouring bins. */
const growth = 1.3;
/** Number of bins; the last ends at about 30 times the mean. */
const bins = 28;
/** Weight of the prior (an exponential distribution), in executions. */
const priorWeight = 6;
/** Effective number of executions. */
const memory = 400;
/** Maximum hazard of a bin. */
const maxHazard = 0.9999;
/** Number of executions between two updates of the distribution. */
const refreshEvery = 8;

const edges = Float64Array.from({ length: bins }, (_, bin) => firstEdge * growth ** bin);
/** Hazard of the exponential distribution in each bin: the bin's length. */
const priorRate = edges.map((edge, bin) => edge - (edges[bin - 1] ?? 0));

/** Distribution of execution times with mean about 1. */
export class Lifetime {
  /**
   * Executions that reached each bin (those interrupted in it by their share of it), time spent in it in
   * units of its length, and executions that ended in it.
   */
  readonly #reached = new Float64Array(bins);
  readonly #exposure = new Float64Array(bins);
  readonly #ended = new Float64Array(bins);
  /** Hazard rate of each bin, survival probability at its end, and mean time spent until its end. */
  readonly #rate = new Float64Array(bins);
  readonly #survival = new Float64Array(bins);
  readonly #spent = new Float64Array(bins);
  #fresh = 0;

  constructor() {
    this.#refresh();
  }

  /**
   * Records an execution.
   *
   * @param length duration as a multiple of the mean
   * @param ended false if it was interrupted
   */
  observe(length: number, ended: boolean): void {
    const last = binOf(length);
    const keep = 1 - 1 / memory;
    const share = shareOf(last, length);
    for (let bin = 0; bin < bins; bin++) {
      const spent = bin < last ? 1 : bin === last ? share : 0;
      const reached = bin === last && !ended ? share : bin <= last ? 1 : 0;
      this.#reached[bin] = this.#reached[bin]! * keep + reached;
      this.#exposure[bin] = this.#exposure[bin]! * keep + spent;
      this.#ended[bin] = this.#ended[bin]! * keep + (ended && bin === last ? 1 : 0);
    }
    if (++this.#fresh >= refreshEvery) this.#refresh();
  }

  /**
   * Probability that an execution ends within a duration.
   *
   * @param length duration as a multiple of the mean
   */
  within(length: number): number {
    if (length <= 0) return 0;
    if (length === Infinity) return 1;
    const bin = binOf(length);
    const before = this.#survival[bin - 1] ?? 1;
    return 1 - before * Math.exp(-this.#rate[bin]! * shareOf(bin, length));
  }

  /**
   * Mean duration of executions with a timeout.
   *
   * @param length the timeout as a multiple of the mean
   */
  cut(length: number): number {
    if (length <= 0) return 0;
    const bin = binOf(length);
    const before = this.#spent[bin - 1] ?? 0;
    return before + (this.#spent[bin]! - before) * shareOf(bin, length);
  }

  #refresh(): void {
    this.#fresh = 0;
    let alive = 1;
    let spent = 0;
    for (let bin = 0; bin < bins; bin++) {
      const ended = this.#ended[bin]! + priorWeight * priorRate[bin]!;
      const byTime = ended / (this.#exposure[bin]! + priorWeight);
      const share = Math.min(maxHazard, ended / (this.#reached[bin]! + priorWeight));
      const rate = Math.max(byTime, -Math.log(1 - share));
      const next = alive * Math.exp(-rate);
      spent += (edges[bin]! - (edges[bin - 1] ?? 0)) * (alive + next) / 2;
      this.#rate[bin] = rate;
      this.#survival[bin] = alive = next;
      this.#spent[bin] = spent;
    }
  }
}

function binOf(length: number): number {
  if (!(length > firstEdge)) return 0;
  const bin = Math.ceil(Math.log(length / firstEdge) / Math.log(growth));
  return Math.min(bins - 1, bin);
}

/** Share of a bin that lies below a length, 0 to 1. */
function shareOf(bin: number, length: number): number {
  const from = edges[bin - 1] ?? 0;
  return Math.min(1, (length - from) / (edges[bin]! - from));
}

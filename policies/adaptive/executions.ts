/**
 * Execution times by function and node: a mean per function, a slowdown factor per node, a mean per
 * pair that overrides their product once it has enough samples, and a distribution shape per function. A
 * node that slows down does so for all functions; a function that changes does so on all nodes.
 *
 * @module
 */

import { BoundedMap, FadingRatio } from "./fading.ts";
import { Lifetime } from "./lifetime.ts";

/** Effective number of samples per function, node and pair. */
const memory = { fn: 40, node: 25, pair: 20 };
/** Weight of the product of function and node against samples of the pair. */
const pairPrior = 3;
/** Weight of the prior that a node is as fast as this one, in executions. */
const nodePrior = 3;
/** Number of local executions from which only these update a function's mean. */
const enoughHere = 5;
/** Bounds of a node's slowdown factor. */
const factorBounds = { min: 0.02, max: 50 };

/** Stands for this node among the ids of nodes. */
export const here = "";

interface FunctionTimes {
  readonly mean: FadingRatio;
  readonly shape: Lifetime;
}

/** Distribution of the execution times of one function on one node. */
export class ExecutionTimes {
  readonly #meanMs: number;
  readonly #shape: Lifetime;

  /**
   * Combines a mean with the shape of a distribution.
   *
   * @param meanMs NaN if unknown
   * @param shape distribution in multiples of the mean
   */
  constructor(meanMs: number, shape: Lifetime) {
    this.#meanMs = meanMs;
    this.#shape = shape;
  }

  /** Probability that an execution ends within a time; 1 if unknown, so that the function is tried. */
  within(ms: number): number {
    if (Number.isNaN(this.#meanMs)) return ms > 0 ? 1 : 0;
    return this.#shape.within(ms / this.#meanMs);
  }

  /** Mean time that an execution with a timeout holds its instance, ms; 0 if unknown. */
  heldMs(ms: number): number {
    return Number.isNaN(this.#meanMs) ? 0 : this.#meanMs * this.#shape.cut(ms / this.#meanMs);
  }
}

/** Estimates of execution times. */
export class Executions {
  readonly #functions = new BoundedMap<string, FunctionTimes>(
    () => ({ mean: new FadingRatio(memory.fn), shape: new Lifetime() }),
  );
  readonly #nodes = new BoundedMap<string, FadingRatio>(() => new FadingRatio(memory.node));
  readonly #pairs = new BoundedMap<string, BoundedMap<string, FadingRatio>>(
    () => new BoundedMap(() => new FadingRatio(memory.pair)),
  );

  /**
   * Records an execution.
   *
   * @param node id of the node; {@link here} for this one
   * @param fn name of the function
   * @param ms duration
   * @param ended false if it was interrupted (a censored sample)
   */
  observe(node: string, fn: string, ms: number, ended: boolean): void {
    const { mean, shape } = this.#functions.of(fn);
    const expected = this.meanMs(node, fn);
    if (expected > 0) shape.observe(ms / expected, ended);
    const count = ended ? 1 : 0;
    // Remote executions say little about a function that has run here often enough.
    const seenHere = this.#pairs.of(here).of(fn).weight >= enoughHere;
    if (node === here || !seenHere) mean.add(ms / this.factor(node), count);
    const known = mean.value(NaN, 0);
    if (node !== here && known > 0) this.#nodes.of(node).add(ms / known, count);
    this.#pairs.of(node).of(fn).add(ms, count);
  }

  /** Mean execution time of a function on a node, ms; NaN if the function is unknown. */
  meanMs(node: string, fn: string): number {
    const mean = this.#functions.of(fn).mean;
    if (mean.weight === 0) return NaN;
    const prior = mean.value(NaN, 0) * this.factor(node);
    return this.#pairs.of(node).of(fn).value(prior, pairPrior);
  }

  /** Slowdown factor of a node against this one. */
  factor(node: string): number {
    if (node === here) return 1;
    const factor = this.#nodes.of(node).value(1, nodePrior);
    return Math.min(factorBounds.max, Math.max(factorBounds.min, factor));
  }

  /**
   * Distribution of the execution times of a function on a node.
   *
   * @param node id of the node; {@link here} for this one
   */
  of(node: string, fn: string): ExecutionTimes {
    return new ExecutionTimes(this.meanMs(node, fn), this.#functions.of(fn).shape);
  }

  /** Names of the functions observed. */
  get functions(): string[] {
    return [...this.#functions.entries].map(([name]) => name);
  }

  /** Ids of the other nodes observed. */
  get nodes(): string[] {
    return [...this.#nodes.entries].map(([name]) => name);
  }
}

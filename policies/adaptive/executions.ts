/**
 * What executions take, by function and node: a mean of each function, a factor of each node, a mean
 * of each pair that departs from their product where it has seen enough, and a shape of each
 * function. A node that gets slow is so for all functions at once; a function that changes is so on
 * all nodes.
 *
 * @module
 */

import { Book, FadingRatio } from "./forgetting.ts";
import { Lifetime } from "./lifetime.ts";

/** How many of the last executions count: of a function, of a node, of a pair. */
const memory = { fn: 40, node: 25, pair: 20 };
/** How many executions the product of function and node is worth against what the pair has seen. */
const pairPrior = 3;
/** How many executions the belief that a node is as fast as this one is worth. */
const nodePrior = 3;
/** Executions here from which on the mean of a function comes from here only. */
const enoughHere = 5;
/** Factors of nodes that are believed. */
const factorBounds = { min: 0.02, max: 50 };

/** This node, among the names of nodes. */
export const here = "";

interface FunctionTimes {
  readonly mean: FadingRatio;
  readonly shape: Lifetime;
}

/** How long executions of one function take on one node. */
export class ExecutionTimes {
  readonly #meanMs: number;
  readonly #shape: Lifetime;

  /**
   * What is believed now.
   *
   * @param meanMs NaN if nothing is known
   * @param shape as a multiple of the mean
   */
  constructor(meanMs: number, shape: Lifetime) {
    this.#meanMs = meanMs;
    this.#shape = shape;
  }

  /** Probability that one ends within a time; 1 if nothing is known, so that it is tried. */
  within(ms: number): number {
    if (Number.isNaN(this.#meanMs)) return ms > 0 ? 1 : 0;
    return this.#shape.within(ms / this.#meanMs);
  }

  /** Mean time that one holds its instance if it is cut off, ms; 0 if nothing is known. */
  heldMs(ms: number): number {
    return Number.isNaN(this.#meanMs) ? 0 : this.#meanMs * this.#shape.cut(ms / this.#meanMs);
  }
}

/** What executions take. */
export class Executions {
  readonly #functions = new Book<string, FunctionTimes>(
    () => ({ mean: new FadingRatio(memory.fn), shape: new Lifetime() }),
  );
  readonly #nodes = new Book<string, FadingRatio>(() => new FadingRatio(memory.node));
  readonly #pairs = new Book<string, Book<string, FadingRatio>>(
    () => new Book(() => new FadingRatio(memory.pair)),
  );

  /**
   * An execution was seen.
   *
   * @param node where; {@link here} for this node
   * @param fn name of the function
   * @param ms how long
   * @param ended false if it was interrupted then
   */
  observe(node: string, fn: string, ms: number, ended: boolean): void {
    const { mean, shape } = this.#functions.of(fn);
    const expected = this.meanMs(node, fn);
    if (expected > 0) shape.observe(ms / expected, ended);
    const count = ended ? 1 : 0;
    // Another node's executions say little of the function where this node has seen it itself.
    const seenHere = this.#pairs.of(here).of(fn).weight >= enoughHere;
    if (node === here || !seenHere) mean.add(ms / this.factor(node), count);
    const known = mean.value(NaN, 0);
    if (node !== here && known > 0) this.#nodes.of(node).add(ms / known, count);
    this.#pairs.of(node).of(fn).add(ms, count);
  }

  /** Mean of a function on a node, ms; NaN if nothing is known of the function. */
  meanMs(node: string, fn: string): number {
    const mean = this.#functions.of(fn).mean;
    if (mean.weight === 0) return NaN;
    const prior = mean.value(NaN, 0) * this.factor(node);
    return this.#pairs.of(node).of(fn).value(prior, pairPrior);
  }

  /** How much longer executions take on a node than here. */
  factor(node: string): number {
    if (node === here) return 1;
    const factor = this.#nodes.of(node).value(1, nodePrior);
    return Math.min(factorBounds.max, Math.max(factorBounds.min, factor));
  }

  /**
   * How long executions of a function take on a node.
   *
   * @param node where; {@link here} for this node
   * @param fn name of the function
   */
  of(node: string, fn: string): ExecutionTimes {
    return new ExecutionTimes(this.meanMs(node, fn), this.#functions.of(fn).shape);
  }

  /** Names of the functions that were seen. */
  get functions(): string[] {
    return [...this.#functions.entries].map(([name]) => name);
  }

  /** Names of the other nodes that were seen. */
  get nodes(): string[] {
    return [...this.#nodes.entries].map(([name]) => name);
  }
}

/**
 * Counters and histograms that cost an invocation next to nothing: children are found by their label
 * values in order, through nested maps, where prom-client hashes an object of labels each time. Only
 * when metrics are asked for do they take the form that prom-client's registry renders.
 *
 * @module
 */

import type { Counter, Histogram, Registry } from "prom-client";

/** What every tally has. */
export interface TallyOptions {
  /** Name of the metric. */
  readonly name: string;
  /** What it means. */
  readonly help: string;
  /** Its labels, in the order in which their values are given. */
  readonly labelNames: readonly string[];
  /** Where it is rendered. */
  readonly registry: Registry;
}

/** One line of the rendered metric. */
interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** One series. */
interface Leaf<C> {
  readonly labels: Readonly<Record<string, string>>;
  readonly child: C;
}

/** A branch leads to the next label's values, the last one to leaves. */
type Branch<C> = Map<string, Branch<C> | Leaf<C>>;

/** Children by label values. */
class Children<C> {
  readonly #labelNames: readonly string[];
  readonly #make: () => C;
  readonly #root: Branch<C> = new Map();
  readonly #all = new Set<Leaf<C>>();
  /** The only one, where there are no labels. */
  readonly #single: C | undefined;

  constructor(labelNames: readonly string[], make: () => C) {
    this.#labelNames = labelNames;
    this.#make = make;
    if (labelNames.length === 0) this.#single = this.#add([]);
  }

  /** All that were asked for so far. */
  get all(): readonly Leaf<C>[] {
    return [...this.#all];
  }

  of(values: readonly string[]): C {
    if (this.#single !== undefined) return this.#single;
    let node: Branch<C> | Leaf<C> | undefined = this.#root;
    for (let at = 0; at < values.length && node !== undefined; at++) {
      node = (node as Branch<C>).get(values[at]!);
    }
    return (node as Leaf<C> | undefined)?.child ?? this.#add(values);
  }

  /** Removes those with a value of a label. */
  forget(labelName: string, value: string): void {
    let branches = [this.#root];
    for (let at = this.#labelNames.indexOf(labelName); at > 0; at--) {
      branches = branches.flatMap((branch) => [...branch.values()] as Branch<C>[]);
    }
    for (const branch of branches) {
      const node = branch.get(value);
      if (!node) continue;
      branch.delete(value);
      for (const leaf of leavesOf(node)) this.#all.delete(leaf);
    }
  }

  #add(values: readonly string[]): C {
    const child = this.#make();
    const labels = Object.fromEntries(this.#labelNames.map((name, at) => [name, values[at]!]));
    const leaf = { labels, child };
    this.#all.add(leaf);
    let branch = this.#root;
    for (const value of values.slice(0, -1)) {
      let next = branch.get(value) as Branch<C> | undefined;
      if (!next) branch.set(value, next = new Map());
      branch = next;
    }
    if (values.length > 0) branch.set(values.at(-1)!, leaf);
    return child;
  }
}

function leavesOf<C>(node: Branch<C> | Leaf<C>): Leaf<C>[] {
  return node instanceof Map ? [...node.values()].flatMap(leavesOf) : [node];
}

/** Counts events by labels. */
export class TallyCounter {
  readonly #options: TallyOptions;
  readonly #children: Children<{ count: number }>;

  /** A counter that is rendered with its registry's metrics. */
  constructor(options: TallyOptions) {
    this.#options = options;
    this.#children = new Children(options.labelNames, () => ({ count: 0 }));
    // The registry asks no more of a metric than its name and `get`.
    options.registry.registerMetric(this as unknown as Counter);
  }

  /** The metric's name. */
  get name(): string {
    return this.#options.name;
  }

  /**
   * Counts one event.
   *
   * @param labels a value for each label, in their order
   */
  inc(...labels: string[]): void {
    this.#children.of(labels).count++;
  }

  /**
   * Removes the series of something that is gone.
   *
   * @param labelName one of its labels
   * @param value what the label says of it
   */
  forget(labelName: string, value: string): void {
    this.#children.forget(labelName, value);
  }

  /** What the registry renders. */
  get(): Promise<unknown> {
    const { name, help } = this.#options;
    const values: Sample[] = this.#children.all.map(({ labels, child }) => ({
      labels,
      value: child.count,
    }));
    return Promise.resolve({ name, help, type: "counter", values, aggregator: "sum" });
  }
}

/** What a histogram has besides. */
export interface TallyHistogramOptions extends TallyOptions {
  /** Upper bounds of its buckets, ascending. */
  readonly buckets: readonly number[];
}

/** Observed values of one child. */
interface Distribution {
  /** By bucket, not accumulated; the last one is for what is above all bounds. */
  readonly counts: number[];
  sum: number;
}

/** Counts values by bucket and labels. */
export class TallyHistogram {
  readonly #options: TallyHistogramOptions;
  readonly #buckets: readonly number[];
  readonly #children: Children<Distribution>;

  /** A histogram that is rendered with its registry's metrics. */
  constructor(options: TallyHistogramOptions) {
    this.#options = options;
    this.#buckets = options.buckets;
    const size = options.buckets.length + 1;
    this.#children = new Children(options.labelNames, () => ({
      counts: new Array<number>(size).fill(0),
      sum: 0,
    }));
    options.registry.registerMetric(this as unknown as Histogram);
  }

  /** The metric's name. */
  get name(): string {
    return this.#options.name;
  }

  /**
   * Takes a value in.
   *
   * @param value what was measured
   * @param labels a value for each label, in their order
   */
  observe(value: number, ...labels: string[]): void {
    const child = this.#children.of(labels);
    let bucket = 0;
    while (bucket < this.#buckets.length && value > this.#buckets[bucket]!) bucket++;
    child.counts[bucket]!++;
    child.sum += value;
  }

  /**
   * Removes the series of something that is gone.
   *
   * @param labelName one of its labels
   * @param value what the label says of it
   */
  forget(labelName: string, value: string): void {
    this.#children.forget(labelName, value);
  }

  /** What the registry renders. */
  get(): Promise<unknown> {
    const { name, help } = this.#options;
    const values = this.#children.all.flatMap(({ labels, child }) => this.#samples(labels, child));
    return Promise.resolve({ name, help, type: "histogram", values, aggregator: "sum" });
  }

  #samples(labels: Leaf<unknown>["labels"], { counts, sum }: Distribution): Sample[] {
    const { name } = this.#options;
    let count = 0;
    const samples: Sample[] = counts.map((inBucket, at) => {
      count += inBucket;
      const le = this.#buckets[at] ?? "+Inf";
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    samples.push({ metricName: `${name}_sum`, labels, value: sum });
    samples.push({ metricName: `${name}_count`, labels, value: count });
    return samples;
  }
}

/**
 * Metrics of a process, rendered as Prometheus reads them (text exposition format 0.0.4). Counting
 * costs an invocation next to nothing: a series is found by its label values in nested maps, and
 * text is made only when metrics are scraped.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @module
 */

/** Media type of what {@link MetricRegistry.render} returns. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/** Counts events. */
export interface Counter {
  /** Counts one event; takes a value for each label, in their order. */
  inc(...labels: string[]): void;
}

/** Counts values by bucket. */
export interface Histogram {
  /** Counts one value; takes a value for each label, in their order. */
  observe(value: number, ...labels: string[]): void;
}

/** Values of a metric's labels, in their order, and what belongs to them. */
export type Labelled<T> = readonly [labels: readonly string[], value: T];

/** One line of text: suffix of the metric's name, value, and the bound of a histogram's bucket. */
type Sample = readonly [suffix: string, value: number, le?: number | string];

/** What a metric is. */
export interface MetricFacts {
  /** Its name, with its unit. */
  readonly name: string;
  /** What it measures. */
  readonly help: string;
  /** How its values are to be read. */
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
}

interface Metric<S> extends MetricFacts {
  readonly series: {
    entries(): Iterable<Labelled<S>>;
    forget?(label: number, value: string): void;
  };
  samples(series: S): Sample[];
}

/**
 * The metrics of a process.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const registry = new MetricRegistry();
 * const requests = registry.counter("requests_total", "Requests by outcome", ["outcome"]);
 * requests.inc("OK");
 * assert(registry.render().includes('requests_total{outcome="OK"} 1'));
 * ```
 */
export class MetricRegistry {
  // deno-lint-ignore no-explicit-any -- each metric has series of its own kind
  readonly #metrics: Metric<any>[] = [];

  /** Adds a counter. */
  counter(name: string, help: string, labels: readonly string[] = []): Counter {
    const series = new SeriesTree(labels.length, () => ({ count: 0 }));
    this.#add({ name, help, type: "counter", labels, series, samples: (s) => [["", s.count]] });
    return { inc: (...values) => void series.at(values).count++ };
  }

  /**
   * Adds a histogram.
   *
   * @param name with its unit
   * @param help what is measured
   * @param bounds upper bounds of buckets, ascending
   */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labels: readonly string[] = [],
  ): Histogram {
    const buckets = bounds.length + 1;
    const empty = () => ({ counts: new Array<number>(buckets).fill(0), sum: 0 });
    const series = new SeriesTree(labels.length, empty);
    const samples = ({ counts, sum }: ReturnType<typeof empty>): Sample[] => {
      let count = 0;
      const cumulative = counts.map((
        inBucket,
        at,
      ): Sample => ["_bucket", count += inBucket, bounds[at] ?? "+Inf"]);
      return [...cumulative, ["_sum", sum], ["_count", count]];
    };
    this.#add({ name, help, type: "histogram", labels, series, samples });
    return {
      observe(value, ...values) {
        const distribution = series.at(values);
        let bucket = 0;
        while (value > bounds[bucket]!) bucket++;
        distribution.counts[bucket]!++;
        distribution.sum += value;
      },
    };
  }

  /**
   * Adds a gauge.
   *
   * @param name with its unit
   * @param help what is shown
   * @param read called at each scrape: the value, or one for each series
   */
  gauge(
    name: string,
    help: string,
    read: () => number | Iterable<Labelled<number>>,
    labels: readonly string[] = [],
  ): void {
    const entries = () => {
      const values = read();
      return typeof values === "number" ? [[[], values] as const] : values;
    };
    this.#add({
      name,
      help,
      type: "gauge",
      labels,
      series: { entries },
      samples: (s) => [["", s]],
    });
  }

  /**
   * Removes the series of something that is gone.
   *
   * @param label metrics without this label keep their series
   * @param value what the label says of it
   */
  forget(label: string, value: string): void {
    for (const { labels, series } of this.#metrics) {
      const at = labels.indexOf(label);
      if (at >= 0) series.forget?.(at, value);
    }
  }

  /** All metrics, in the order in which they were added. */
  get metrics(): readonly MetricFacts[] {
    return this.#metrics;
  }

  /** All metrics as text of the type {@link metricsType}. */
  render(): string {
    return this.#metrics.map(renderMetric).join("\n");
  }

  #add<S>(metric: Metric<S>): void {
    this.#metrics.push(metric);
  }
}

function renderMetric<S>({ name, help, type, labels, series, samples }: Metric<S>): string {
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  for (const [values, one] of series.entries()) {
    const known = labels.map((label, at) => `${label}="${escapeLabel(values[at]!)}"`);
    for (const [suffix, value, le] of samples(one)) {
      const all = (le === undefined ? known : [`le="${le}"`, ...known]).join();
      text += `${name}${suffix}${all && `{${all}}`} ${value}\n`;
    }
  }
  return text;
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => character === "\n" ? "\\n" : `\\${character}`);
}

/** A map from the first label's value to those of the next; a series below the last. */
type Tree<S> = S | Map<string, Tree<S>>;

/** The series of one metric by label values. */
class SeriesTree<S extends object> {
  readonly #depth: number;
  readonly #empty: () => S;
  readonly #root: Tree<S>;

  constructor(depth: number, empty: () => S) {
    this.#depth = depth;
    this.#empty = empty;
    this.#root = depth > 0 ? new Map() : empty();
  }

  at(values: readonly string[]): S {
    let node = this.#root;
    for (let depth = 1; depth <= this.#depth; depth++) {
      const branch = node as Map<string, Tree<S>>;
      const value = values[depth - 1]!;
      let next = branch.get(value);
      if (!next) branch.set(value, next = depth < this.#depth ? new Map() : this.#empty());
      node = next;
    }
    return node as S;
  }

  *entries(node = this.#root, values: readonly string[] = []): Generator<Labelled<S>> {
    if (!(node instanceof Map)) yield [values, node];
    else for (const [value, next] of node) yield* this.entries(next, [...values, value]);
  }

  forget(label: number, value: string, node = this.#root): void {
    if (!(node instanceof Map)) return;
    if (label === 0) node.delete(value);
    else for (const next of node.values()) this.forget(label - 1, value, next);
  }
}

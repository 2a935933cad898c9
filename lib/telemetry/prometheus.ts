/**
 * Metrics in the Prometheus text exposition format 0.0.4. Counting is cheap: series are found by their label
 * values in nested maps, and text is rendered only when metrics are scraped.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @module
 */

/** Media type of {@link MetricRegistry.render}. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/** Counter of events. */
export interface Counter {
  /** Counts an event, with a value for each label in order. */
  inc(...labels: string[]): void;
}

/** Histogram of values. */
export interface Histogram {
  /** Counts a value, with a value for each label in order. */
  observe(value: number, ...labels: string[]): void;
}

/** Label values of a series, and its content. */
export type Labelled<T> = readonly [labels: readonly string[], value: T];

/** Line of the text: suffix of the metric's name, value, and bound of a bucket. */
type Sample = readonly [suffix: string, value: number, le?: number | string];

/** Description of a metric. */
export interface MetricFacts {
  /** Name with unit. */
  readonly name: string;
  /** Help text. */
  readonly help: string;
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
 * Metrics of a process.
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
   * @param name name with unit
   * @param help help text
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
   * @param name name with unit
   * @param help help text
   * @param read returns the value, or one for each series, at each scrape
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
   * Removes the series with a label value.
   *
   * @param label name of the label; metrics without it are not changed
   */
  forget(label: string, value: string): void {
    for (const { labels, series } of this.#metrics) {
      const at = labels.indexOf(label);
      if (at >= 0) series.forget?.(at, value);
    }
  }

  /** Metrics in the order in which they were added. */
  get metrics(): readonly MetricFacts[] {
    return this.#metrics;
  }

  /** Renders all metrics as {@link metricsType}. */
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

/** Nested maps from label values to series. */
type Tree<S> = S | Map<string, Tree<S>>;

/** Series of a metric by label values. */
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

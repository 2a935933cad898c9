/**
 * Prometheus metrics of a node: those of the Go project under their names, and further ones.
 *
 * @module
 */

import type { Balance } from "../pool/resource_ledger.ts";
import type { InstanceCount } from "../pool/function_pools.ts";
import type { PoolObserver } from "../pool/observers.ts";
import type { InvocationObserver, InvocationOutcome } from "../scheduler/observer.ts";
import { addProcessMetrics } from "./process_metrics.ts";
import { type Labelled, MetricRegistry } from "./prometheus.ts";

/** Values read when metrics are scraped. */
export interface MetricSources {
  /** Resources of the node. */
  readonly balance: () => Balance;
  /** Instances by function. */
  readonly instances: () => readonly InstanceCount[];
  /** Generic instances that are ready, by runtime. */
  readonly generics: () => Readonly<Record<string, number>>;
  /** Number of waiting requests. */
  readonly waiting: () => number;
  /** Number of running invocations. */
  readonly running: () => number;
  /** Whether a function exists. */
  readonly exists: (functionName: string) => boolean;
}

/** Buckets in seconds, 10 ms doubled up to 164 s, as in the Go project. */
const durationBuckets = Array.from({ length: 15 }, (_, k) => 0.01 * 2 ** k);
/** Buckets in seconds for durations from below a millisecond. */
const fineBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** Buckets in seconds of earlier versions. */
const startBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Buckets in bytes, 64 B times 8 up to 16 MiB. */
const sizeBuckets = Array.from({ length: 7 }, (_, k) => 64 * 8 ** k);

/** Metrics of a node. */
export class Metrics implements InvocationObserver, PoolObserver {
  /** Registry of the metrics. */
  readonly registry = new MetricRegistry();
  readonly #completed = this.registry.counter(
    "completed_count",
    "Invocations that succeeded on this node",
    ["area", "function"],
  );
  readonly #coldStarts = this.registry.counter(
    "cold_starts_count",
    "Invocations that waited for an instance to start",
    ["area", "function"],
  );
  readonly #execution = this.registry.histogram(
    "execution_time",
    "Execution time in the instance, s",
    durationBuckets,
    ["function"],
  );
  readonly #init = this.registry.histogram(
    "init_time",
    "Start time of an instance that a request waited for, s",
    startBuckets,
    ["function"],
  );
  readonly #outputSize = this.registry.histogram(
    "output_size",
    "Size of results, bytes",
    sizeBuckets,
    ["function"],
  );
  readonly #requests = this.registry.counter(
    "serverledge_requests_total",
    "Invocations by outcome (OK or an error code)",
    ["function", "outcome"],
  );
  readonly #forbidden = this.registry.counter(
    "serverledge_offload_forbidden_total",
    "Invocations that waited or were rejected while CanDoOffloading excluded other nodes",
    ["function"],
  );
  readonly #classes = this.registry.counter(
    "serverledge_class_requests_total",
    "Invocations by QoS class, place of execution, and whether they met their limit",
    ["class", "place", "in_time"],
  );
  readonly #response = this.registry.histogram(
    "serverledge_response_seconds",
    "Time from arrival to response by QoS class, s",
    fineBuckets,
    ["class"],
  );
  readonly #queueing = this.registry.histogram(
    "serverledge_queueing_seconds",
    "Time that requests waited for resources, s; only requests that waited",
    fineBuckets,
  );
  readonly #tiers = this.registry.counter(
    "serverledge_start_tier_total",
    "Invocations that ran on this node, by kind of start",
    ["function", "tier"],
  );
  readonly #starts = this.registry.histogram(
    "serverledge_start_seconds",
    "Start time of an instance that a request waited for, by kind of start, s",
    fineBuckets,
    ["tier"],
  );
  readonly #expired = this.registry.counter(
    "serverledge_expired_total",
    "Idle instances removed by the keep-alive policy",
    ["function"],
  );
  readonly #preWarmed = this.registry.counter(
    "serverledge_prewarm_starts_total",
    "Instances pre-warmed for an expected request (container.keepalive)",
    ["function"],
  );
  readonly #preWarmHits = this.registry.counter(
    "serverledge_prewarm_hits_total",
    "Instances pre-warmed for an expected request that then received one",
    ["function"],
  );
  readonly #area: string;
  readonly #exists: MetricSources["exists"];

  /**
   * Registers the metrics, all counters at zero.
   *
   * @param area label of the counters that have it in the Go project
   * @param sources values of gauges
   */
  constructor(area: string, sources: MetricSources) {
    this.#area = area;
    this.#exists = sources.exists;
    addProcessMetrics(this.registry);
    addGauges(this.registry, sources);
  }

  /** Removes the series of a deleted function. */
  forget(functionName: string): void {
    this.registry.forget("function", functionName);
  }

  /** Counts the end of an invocation. */
  completed(end: InvocationOutcome): void {
    const { functionName, outcome, qosClass, place, tier } = end;
    this.#classes.inc(qosClass, place, end.inTime ? "true" : "false");
    this.#response.observe(end.responseMs / 1000, qosClass);
    if (end.waitMs > 0) this.#queueing.observe(end.waitMs / 1000);
    if (end.cold && tier) this.#starts.observe(end.startMs / 1000, tier);
    // The series of a function deleted meanwhile must not come back.
    if (!this.#exists(functionName)) return;
    this.#requests.inc(functionName, outcome);
    if (end.offloadForbidden) this.#forbidden.inc(functionName);
    if (tier) this.#tiers.inc(functionName, tier);
    if (end.cold) {
      this.#coldStarts.inc(this.#area, functionName);
      this.#init.observe(end.startMs / 1000, functionName);
    }
    if (outcome !== "OK" || place !== "local") return;
    this.#completed.inc(this.#area, functionName);
    this.#execution.observe(end.executionMs / 1000, functionName);
    this.#outputSize.observe(end.resultSize, functionName);
  }

  expired(functionName: string): void {
    this.#expired.inc(functionName);
  }

  preWarmed(functionName: string): void {
    this.#preWarmed.inc(functionName);
  }

  preWarmHit(functionName: string): void {
    this.#preWarmHits.inc(functionName);
  }
}

function addGauges(registry: MetricRegistry, sources: MetricSources): void {
  registry.gauge("serverledge_queue_length", "Requests waiting for resources", sources.waiting);
  registry.gauge("serverledge_running", "Running invocations", sources.running);
  registry.gauge("serverledge_memory_mib", "Memory for instances by state, MiB", () => {
    const { totalMemory, busyMemory, warmMemory } = sources.balance();
    return [
      [["busy"], busyMemory],
      [["warm"], warmMemory],
      [["free"], totalMemory - busyMemory - warmMemory],
    ];
  }, ["state"]);
  registry.gauge("serverledge_cpus", "CPU for instances by state, cores", () => {
    const { totalCpu, usedCpu } = sources.balance();
    return [[["used"], usedCpu], [["free"], totalCpu - usedCpu]];
  }, ["state"]);
  const generics = () =>
    Object.entries(sources.generics()).map(([runtime, count]) => [[runtime], count] as const);
  registry.gauge(
    "serverledge_generic_instances",
    "Generic instances by runtime",
    generics,
    ["runtime"],
  );
  registry.gauge(
    "serverledge_spares",
    "Deprecated: former name of serverledge_generic_instances",
    generics,
    ["runtime"],
  );
  registry.gauge(
    "serverledge_instances",
    "Instances by function and state",
    () =>
      sources.instances().flatMap(({ name, starting, busy, idle }): Labelled<number>[] => [
        [[name, "starting"], starting],
        [[name, "busy"], busy],
        [[name, "idle"], idle],
      ]),
    ["function", "state"],
  );
}

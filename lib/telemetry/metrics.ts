/**
 * Prometheus metrics: those of the Go node under their names, and what operators need beyond.
 *
 * @module
 */

import { Gauge, Registry } from "prom-client";
import type { Balance } from "../pool/ledger.ts";
import type { InstanceCount } from "../pool/pool.ts";
import type { PoolObserver } from "../pool/watchers.ts";
import type { InvocationEnd, InvocationObserver } from "../scheduler/observer.ts";
import { addServerMetrics, type ServerCounts } from "./http_metrics.ts";
import { addProcessMetrics } from "./process_metrics.ts";
import { TallyCounter, TallyHistogram } from "./tally.ts";

/** What is read when metrics are asked for. */
export interface MetricSources {
  /** The node's resources. */
  readonly balance: () => Balance;
  /** Instances by function. */
  readonly instances: () => readonly InstanceCount[];
  /** Spares that are ready, by runtime. */
  readonly spares: () => Readonly<Record<string, number>>;
  /** Requests that wait. */
  readonly waiting: () => number;
  /** Invocations that run. */
  readonly running: () => number;
  /** Whether there is a function of that name (still). */
  readonly exists: (functionName: string) => boolean;
}

/** Seconds: 10 ms doubled up to 164 s, as the Go node has them. */
const durationBuckets = Array.from({ length: 15 }, (_, k) => 0.01 * 2 ** k);
/** Seconds: for what a warm node does within a millisecond. */
const fineBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** Seconds: prom-client's defaults, as earlier versions had them. */
const startBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Bytes: 64 B times 8 up to 16 MiB. */
const sizeBuckets = Array.from({ length: 7 }, (_, k) => 64 * 8 ** k);

/** The metrics of a node. */
export class Metrics implements InvocationObserver, PoolObserver {
  readonly #registry = new Registry();
  readonly #area: string;
  readonly #exists: MetricSources["exists"];
  /** All that have a label with the function's name. */
  readonly #byFunction: readonly (TallyCounter | TallyHistogram)[];
  readonly #completed: TallyCounter;
  readonly #coldStarts: TallyCounter;
  readonly #execution: TallyHistogram;
  readonly #init: TallyHistogram;
  readonly #outputSize: TallyHistogram;
  readonly #requests: TallyCounter;
  readonly #forbidden: TallyCounter;
  readonly #classes: TallyCounter;
  readonly #response: TallyHistogram;
  readonly #queueing: TallyHistogram;
  readonly #tiers: TallyCounter;
  readonly #starts: TallyHistogram;
  readonly #expired: TallyCounter;
  readonly #preWarmed: TallyCounter;
  readonly #preWarmHits: TallyCounter;

  /**
   * Metrics that start at zero.
   *
   * @param area label of the counters that had it in the Go node
   * @param sources what gauges show
   */
  constructor(area: string, sources: MetricSources) {
    this.#area = area;
    this.#exists = sources.exists;
    const registry = this.#registry;
    addProcessMetrics(registry);
    const byFunction = ["function"];
    this.#completed = new TallyCounter({
      name: "completed_count",
      help: "Invocations that succeeded on this node",
      labelNames: ["area", "function"],
      registry,
    });
    this.#coldStarts = new TallyCounter({
      name: "cold_starts_count",
      help: "Invocations that waited for the start of an instance",
      labelNames: ["area", "function"],
      registry,
    });
    this.#execution = new TallyHistogram({
      name: "execution_time",
      help: "Execution in the instance, s",
      labelNames: byFunction,
      buckets: durationBuckets,
      registry,
    });
    this.#init = new TallyHistogram({
      name: "init_time",
      help: "Start of an instance that a request waited for, s",
      labelNames: byFunction,
      buckets: startBuckets,
      registry,
    });
    this.#outputSize = new TallyHistogram({
      name: "output_size",
      help: "Size of results, bytes",
      labelNames: byFunction,
      buckets: sizeBuckets,
      registry,
    });
    this.#requests = new TallyCounter({
      name: "serverledge_requests_total",
      help: "Invocations by outcome: OK or the code of the error",
      labelNames: ["function", "outcome"],
      registry,
    });
    this.#forbidden = new TallyCounter({
      name: "serverledge_offload_forbidden_total",
      help:
        "Invocations that waited or were refused while CanDoOffloading kept them from other nodes",
      labelNames: byFunction,
      registry,
    });
    this.#classes = new TallyCounter({
      name: "serverledge_class_requests_total",
      help: "Invocations by QoS class, where they ran, and whether they were within their limit",
      labelNames: ["class", "place", "in_time"],
      registry,
    });
    this.#response = new TallyHistogram({
      name: "serverledge_response_seconds",
      help: "Arrival to answer by QoS class, s",
      labelNames: ["class"],
      buckets: fineBuckets,
      registry,
    });
    this.#queueing = new TallyHistogram({
      name: "serverledge_queueing_seconds",
      help: "Wait for resources, s; only of requests that waited",
      labelNames: [],
      buckets: fineBuckets,
      registry,
    });
    this.#tiers = new TallyCounter({
      name: "serverledge_start_tier_total",
      help: "Invocations that ran on this node, by what was done before they could",
      labelNames: ["function", "tier"],
      registry,
    });
    this.#starts = new TallyHistogram({
      name: "serverledge_start_seconds",
      help: "Start of an instance that a request waited for, by tier, s",
      labelNames: ["tier"],
      buckets: fineBuckets,
      registry,
    });
    this.#expired = new TallyCounter({
      name: "serverledge_expired_total",
      help: "Idle instances that the keep-alive policy had removed",
      labelNames: byFunction,
      registry,
    });
    this.#preWarmed = new TallyCounter({
      name: "serverledge_prewarm_starts_total",
      help: "Instances that were started since a request was expected (container.keepalive)",
      labelNames: byFunction,
      registry,
    });
    this.#preWarmHits = new TallyCounter({
      name: "serverledge_prewarm_hits_total",
      help: "Instances started since a request was expected that got one",
      labelNames: byFunction,
      registry,
    });
    this.#byFunction = [
      this.#completed,
      this.#coldStarts,
      this.#execution,
      this.#init,
      this.#outputSize,
      this.#requests,
      this.#forbidden,
      this.#tiers,
      this.#expired,
      this.#preWarmed,
      this.#preWarmHits,
    ];
    addGauges([registry], sources);
  }

  /** The function is gone, and its series with it. */
  forget(functionName: string): void {
    for (const tally of this.#byFunction) tally.forget("function", functionName);
  }

  /** Counts one end. */
  ended(end: InvocationEnd): void {
    const { functionName, outcome, qosClass, place, tier } = end;
    this.#classes.inc(qosClass, place, end.inTime ? "true" : "false");
    this.#response.observe(end.responseMs / 1000, qosClass);
    if (end.waitMs > 0) this.#queueing.observe(end.waitMs / 1000);
    if (end.cold && tier) this.#starts.observe(end.startMs / 1000, tier);
    // Deleted while it ran: its series are gone, and must not come back for good.
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

  /** See {@link PoolObserver}. */
  expired(functionName: string): void {
    this.#expired.inc(functionName);
  }

  /** See {@link PoolObserver}. */
  preWarmed(functionName: string): void {
    this.#preWarmed.inc(functionName);
  }

  /** See {@link PoolObserver}. */
  preWarmHit(functionName: string): void {
    this.#preWarmHits.inc(functionName);
  }

  /** Adds what the HTTP server counts. */
  observeServer(server: ServerCounts): void {
    addServerMetrics(this.#registry, server);
  }

  /** Prometheus text format. */
  async render(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}

function addGauges(registers: Registry[], sources: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge("serverledge_queue_length", "Requests that wait", sources.waiting);
  gauge("serverledge_running", "Invocations that run", sources.running);
  new Gauge({
    name: "serverledge_memory_mib",
    help: "Memory for instances by state, MiB",
    labelNames: ["state"],
    registers,
    collect() {
      const { totalMemory, busyMemory, warmMemory } = sources.balance();
      this.set({ state: "busy" }, busyMemory);
      this.set({ state: "warm" }, warmMemory);
      this.set({ state: "free" }, totalMemory - busyMemory - warmMemory);
    },
  });
  new Gauge({
    name: "serverledge_cpus",
    help: "CPU for instances by state, cores",
    labelNames: ["state"],
    registers,
    collect() {
      const { totalCpu, usedCpu } = sources.balance();
      this.set({ state: "used" }, usedCpu);
      this.set({ state: "free" }, totalCpu - usedCpu);
    },
  });
  new Gauge({
    name: "serverledge_spares",
    help: "Instances that are ready for no function yet, by runtime",
    labelNames: ["runtime"],
    registers,
    collect() {
      this.reset();
      for (const [runtime, count] of Object.entries(sources.spares())) this.set({ runtime }, count);
    },
  });
  new Gauge({
    name: "serverledge_instances",
    help: "Instances by function and state",
    labelNames: ["function", "state"],
    registers,
    collect() {
      this.reset();
      for (const { name, starting, busy, idle } of sources.instances()) {
        this.set({ function: name, state: "starting" }, starting);
        this.set({ function: name, state: "busy" }, busy);
        this.set({ function: name, state: "idle" }, idle);
      }
    },
  });
}

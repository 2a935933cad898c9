/**
 * Prometheus metrics of the balancer.
 *
 * @module
 */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { addServerMetrics, type ServerCounts } from "../telemetry/http_metrics.ts";
import { addProcessMetrics } from "../telemetry/process_metrics.ts";
import type { Target } from "./target_table.ts";

/** Seconds: from what a warm node does to the longest that is usual. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** The metrics of a balancer. */
export class BalancerMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter;
  readonly #retries: Counter;
  readonly #response: Histogram;

  /**
   * Metrics that start at zero.
   *
   * @param targets read when metrics are asked for
   */
  constructor(targets: () => readonly Target[]) {
    addProcessMetrics(this.#registry);
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "serverledge_balancer_requests_total",
      help: "Forwarded requests by kind and HTTP status of the answer",
      labelNames: ["kind", "status"],
      registers,
    });
    this.#retries = new Counter({
      name: "serverledge_balancer_retries_total",
      help: "Requests sent to another node, since one surely did nothing with them",
      registers,
    });
    this.#response = new Histogram({
      name: "serverledge_balancer_response_seconds",
      help: "Arrival to the beginning of the answer, s",
      labelNames: ["kind"],
      buckets,
      registers,
    });
    new Gauge({
      name: "serverledge_balancer_targets",
      help: "Nodes of the area",
      labelNames: ["state"],
      registers,
      collect() {
        const healthy = targets().filter((target) => target.isHealthy).length;
        this.set({ state: "healthy" }, healthy);
        this.set({ state: "unhealthy" }, targets().length - healthy);
      },
    });
    new Gauge({
      name: "serverledge_balancer_in_flight",
      help: "Requests under way by node",
      labelNames: ["node"],
      registers,
      collect() {
        this.reset();
        for (const { record, inFlight } of targets()) this.set({ node: record.Id }, inFlight);
      },
    });
  }

  /**
   * Counts one answer.
   *
   * @param kind of the request
   * @param status of the answer
   * @param seconds since the request's arrival
   */
  answered(kind: string, status: number, seconds: number): void {
    this.#requests.inc({ kind, status });
    this.#response.observe({ kind }, seconds);
  }

  /** Counts one request that goes to another node. */
  retried(): void {
    this.#retries.inc();
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

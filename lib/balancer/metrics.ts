/**
 * Prometheus metrics of the balancer.
 *
 * @module
 */

import { addProcessMetrics } from "../telemetry/process_metrics.ts";
import { MetricRegistry } from "../telemetry/prometheus.ts";
import type { Target } from "./target_table.ts";

/** Seconds: from a warm execution to the longest usual one. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** The metrics of a balancer. */
export class BalancerMetrics {
  /** Registry of these metrics and of those of the process. */
  readonly registry = new MetricRegistry();
  readonly #requests = this.registry.counter(
    "serverledge_balancer_requests_total",
    "Forwarded requests by kind and HTTP status of the response",
    ["kind", "status"],
  );
  readonly #retries = this.registry.counter(
    "serverledge_balancer_retries_total",
    "Requests sent to another node because the first node did not start them",
  );
  readonly #response = this.registry.histogram(
    "serverledge_balancer_response_seconds",
    "Time from arrival to the start of the response, s",
    buckets,
    ["kind"],
  );

  /**
   * Registers the metrics, all counters at zero.
   *
   * @param targets read when metrics are collected
   */
  constructor(targets: () => readonly Target[]) {
    addProcessMetrics(this.registry);
    this.registry.gauge("serverledge_balancer_targets", "Nodes of the area", () => {
      const healthy = targets().filter((target) => target.isHealthy).length;
      return [[["healthy"], healthy], [["unhealthy"], targets().length - healthy]];
    }, ["state"]);
    this.registry.gauge(
      "serverledge_balancer_in_flight",
      "Requests in flight by node",
      () => targets().map(({ record, inFlight }) => [[record.id], inFlight]),
      ["node"],
    );
  }

  /**
   * Counts a response.
   *
   * @param seconds since the request's arrival
   */
  responded(kind: string, status: number, seconds: number): void {
    this.#requests.inc(kind, String(status));
    this.#response.observe(seconds, kind);
  }

  /** Counts a request that is sent to another node. */
  retried(): void {
    this.#retries.inc();
  }
}

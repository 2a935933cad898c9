/**
 * The reference of the metrics, made from what nodes and balancers register.
 *
 * @module
 */

import { BalancerMetrics } from "../../lib/balancer/metrics.ts";
import { countPlans } from "../../lib/node/planning.ts";
import { Metrics } from "../../lib/telemetry/metrics.ts";
import {
  addAuditMetrics,
  addServerMetrics,
  addTlsMetrics,
} from "../../lib/telemetry/process_metrics.ts";
import type { MetricRegistry } from "../../lib/telemetry/prometheus.ts";
import { code, stack, table } from "./markdown.ts";

/** The page. */
export function metricsPage(): string {
  const node = new Metrics("", nothing).registry;
  countPlans(node);
  return stack(
    "# Metrics",
    "`GET /metrics` of a node or a balancer answers in the text format of Prometheus, unless `metrics.enabled` is false. Metrics without the prefix `serverledge_` have the names of " +
      "the Go prototype. A function's series go with the function. Times are in seconds; a histogram has the series `_bucket`, `_sum` and `_count`.",
    "## Nodes",
    metricTable(node),
    "## Balancers",
    metricTable(new BalancerMetrics(() => []).registry),
  );
}

/** Nothing is read where nothing is scraped. */
const nothing: ConstructorParameters<typeof Metrics>[1] = {
  balance: unread,
  instances: unread,
  generics: unread,
  waiting: unread,
  running: unread,
  exists: unread,
};

function unread(): never {
  throw new Error("The reference shows no values");
}

function metricTable(registry: MetricRegistry): string {
  addServerMetrics(registry, { connections: 0, acceptErrors: 0, refusedConnections: 0 });
  addAuditMetrics(registry, { lost: 0 });
  addTlsMetrics(registry, { remainingDays: 0, handshakeFailures: 0 });
  return table(
    ["metric", "type", "labels", "meaning"],
    registry.metrics.map(({ name, type, labels, help }) => [
      code(name),
      type,
      labels.map(code).join(", "),
      help,
    ]),
  );
}

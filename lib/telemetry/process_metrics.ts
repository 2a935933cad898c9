/**
 * Metrics that nodes and balancers have in common: memory of the process, its HTTP server.
 *
 * @module
 */

import type { MetricRegistry } from "./prometheus.ts";

/** What a server counts. */
export interface ServerCounts {
  /** Open connections. */
  readonly connections: number;
  /** Connections that could not be accepted, mostly because descriptors ran out. */
  readonly acceptErrors: number;
  /** Connections that were refused because their address had all that it may have. */
  readonly refusedConnections: number;
}

/**
 * Adds the gauge `serverledge_process_memory_bytes`. The heap includes garbage that is not collected
 * yet, so the minimum of `heap_used` over some minutes is what the process needs.
 */
export function addProcessMetrics(registry: MetricRegistry): void {
  registry.gauge(
    "serverledge_process_memory_bytes",
    "Memory of the process by kind: resident, heap, heap_used (of it), external (buffers)",
    () => {
      const { rss, heapTotal, heapUsed, external } = Deno.memoryUsage();
      return [
        [["resident"], rss],
        [["heap"], heapTotal],
        [["heap_used"], heapUsed],
        [["external"], external],
      ];
    },
    ["kind"],
  );
}

/**
 * Adds the metrics of a server.
 *
 * @param registry metrics of the process
 * @param server read at each scrape
 */
export function addServerMetrics(registry: MetricRegistry, server: ServerCounts): void {
  registry.gauge(
    "serverledge_http_connections",
    "Open connections",
    () => server.connections,
  );
  registry.gauge(
    "serverledge_http_accept_errors_total",
    "Connections that could not be accepted, mostly because descriptors ran out",
    () => server.acceptErrors,
  );
  registry.gauge(
    "serverledge_http_refused_connections_total",
    "Connections refused because their address had all that it may have",
    () => server.refusedConnections,
  );
}

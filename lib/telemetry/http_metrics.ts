/**
 * Prometheus metrics of an HTTP server.
 *
 * @module
 */

import { Gauge, type Registry } from "prom-client";

/** What a server counts. */
export interface ServerCounts {
  /** Open connections. */
  readonly connections: number;
  /** Connections that could not be accepted, for want of descriptors in most cases. */
  readonly acceptErrors: number;
  /** Connections that were refused, since their address had all that it may have. */
  readonly refusedConnections: number;
}

/**
 * Adds the metrics of a server.
 *
 * @param registry where to
 * @param server read when metrics are asked for
 */
export function addServerMetrics(registry: Registry, server: ServerCounts): void {
  const gauges = [
    ["connections", "Open connections", () => server.connections],
    [
      "accept_errors_total",
      "Connections that could not be accepted, mostly for want of descriptors",
      () => server.acceptErrors,
    ],
    [
      "refused_connections_total",
      "Connections refused, since their address had all that it may have",
      () => server.refusedConnections,
    ],
  ] as const;
  for (const [name, help, read] of gauges) {
    new Gauge({
      name: `serverledge_http_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
}

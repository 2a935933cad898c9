/**
 * Metrics of nodes and balancers: memory of the process and its HTTP server.
 *
 * @module
 */

import type { MetricRegistry } from "./prometheus.ts";

/** Counters of a server. */
export interface ServerCounts {
  /** Open connections. */
  readonly connections: number;
  /** Connections that could not be accepted, mostly for lack of descriptors. */
  readonly acceptErrors: number;
  /** Connections refused because their address has the maximum number. */
  readonly refusedConnections: number;
}

/**
 * Adds the gauge `serverledge_process_memory_bytes`. The heap includes uncollected garbage, so the minimum
 * of `heap_used` over some minutes is what the process needs.
 */
export function addProcessMetrics(registry: MetricRegistry): void {
  registry.gauge(
    "serverledge_process_memory_bytes",
    "Memory of the process by kind: resident, heap, heap_used (part of heap), external (buffers)",
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
    "Open client connections",
    () => server.connections,
  );
  registry.gauge(
    "serverledge_http_accept_errors_total",
    "Connections that could not be accepted, usually because no file descriptor was free",
    () => server.acceptErrors,
  );
  registry.gauge(
    "serverledge_http_refused_connections_total",
    "Connections rejected because their client address had the maximum number",
    () => server.refusedConnections,
  );
}

/**
 * Adds the metric of an audit record.
 *
 * @param registry metrics of the process
 * @param audit read at each scrape
 */
export function addAuditMetrics(registry: MetricRegistry, audit: { readonly lost: number }): void {
  registry.gauge(
    "serverledge_audit_lost_records_total",
    "Records of requests that are not in the audit record, since it could not be written",
    () => audit.lost,
  );
}

/** What is measured of a TLS port. */
export interface TlsCounts {
  /** Remaining validity of the certificate, days; negative after its end. */
  readonly remainingDays: number;
  /** Connections that ended before their handshake did. */
  readonly handshakeFailures: number;
}

/**
 * Adds the metrics of a TLS port.
 *
 * @param registry metrics of the process
 * @param tls read at each scrape
 */
export function addTlsMetrics(registry: MetricRegistry, tls: TlsCounts): void {
  registry.gauge(
    "serverledge_tls_certificate_remaining_days",
    "Remaining validity of the certificate, days; negative after its end",
    () => tls.remainingDays,
  );
  registry.gauge(
    "serverledge_tls_handshake_failures_total",
    "Connections that ended before their TLS handshake did",
    () => tls.handshakeFailures,
  );
}

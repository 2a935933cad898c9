/**
 * Serves the API of a node until it is shut down.
 *
 * @module
 */

import { createApp } from "../api/app.ts";
import { peerGuard } from "../api/peer_guard.ts";
import { type ApiServer, serveApi, serverLimits } from "../api/server.ts";
import { logger } from "../base/log.ts";
import { registeredAs } from "../cluster/address.ts";
import { addAuditMetrics, addServerMetrics, addTlsMetrics } from "../telemetry/process_metrics.ts";
import { type NodeParts, nodeServices } from "./services.ts";

const log = logger("node");

/** A running node. Disposal stops it at once; {@link RunningNode.stop} shuts it down gracefully. */
export interface RunningNode extends AsyncDisposable {
  /** URL for programs on this machine. */
  readonly url: string;
  readonly id: string;
  /** Whether requests need a key now. */
  readonly requiresKeys: boolean;
  /** Resolves, and never rejects, with the reason if the container engine is unavailable. */
  readonly without?: Promise<string | undefined>;
  /**
   * Accepts no more requests, waits for those in flight, up to a limit, and removes everything it
   * started.
   */
  stop(): Promise<void>;
}

/**
 * Serves a node and joins its cluster.
 *
 * @param parts of the node; the running node takes ownership
 * @throws `CONFIG_INVALID` if the port cannot be used
 */
export function serveNode(parts: NodeParts): RunningNode {
  const { config, node, auth, built, cluster, engine } = parts;
  const handle = peerGuard(createApp(nodeServices(parts)).handle, auth?.verifier);
  const server = built.use(serveApi(handle, parts.listen, serverLimits(config)));
  addServerMetrics(parts.metrics.registry, server.counts);
  if (parts.audit) addAuditMetrics(parts.metrics.registry, parts.audit);
  if (parts.listen.tls) addTlsMetrics(parts.metrics.registry, parts.listen.tls);
  cluster?.join(server.port, server.isSecure);
  log.info("Node {id} in area {area} serves {urls}{registered}, registry {registry}", {
    ...node,
    urls: server.urls,
    registered: registeredAs(server.url, cluster?.url),
    registry: parts.registry.description,
  });
  const without = engine.asked.then(() => engine.state === true ? undefined : engine.state);
  return { ...running(parts, server), without };
}

function running(
  { config, node, access, built, scheduler, cluster }: NodeParts,
  server: ApiServer,
): RunningNode {
  const parts = built.move();
  let stopped: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    const drained = scheduler.drain(graceMs);
    await cluster?.leave(); // before draining, so that others send no more requests
    await drained;
    // The remaining requests are responses being sent.
    await server.shutdown(1_000);
    await parts.disposeAsync();
  };
  return {
    url: server.url,
    id: node.id,
    requiresKeys: access.isRequired,
    stop: () => stopped ??= stop(config["shutdown.grace"] * 1000),
    [Symbol.asyncDispose]: () => stopped ??= stop(0),
  };
}

/**
 * Serves the API of a node until it is shut down, or another process of the node takes over.
 *
 * @module
 */

import { createApp } from "../api/app.ts";
import { peerGuard } from "../api/peer_guard.ts";
import { type ApiServer, serveApi, serverLimits } from "../api/server.ts";
import { withTimeout } from "../base/async.ts";
import { logger } from "../base/log.ts";
import { registeredAs } from "../cluster/address.ts";
import type { HttpHandler } from "../http/server/messages.ts";
import { addAuditMetrics, addServerMetrics, addTlsMetrics } from "../telemetry/process_metrics.ts";
import { openEndpoint } from "./handover/forwarding.ts";
import { Handover, handoverSocket, type Refusal } from "./handover/successor.ts";
import { type NodeParts, nodeServices } from "./services.ts";

/** Time for the responses to the last requests of a former process, ms. */
const endpointGraceMs = 1_000;

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
  /** Resolves when another process of the node has taken over, and this one should stop. */
  readonly replaced?: Promise<void>;
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
  const { config, node, auth, built, cluster, engine, predecessor } = parts;
  let answer: HttpHandler = createApp(nodeServices(parts)).handle;
  const handle = peerGuard((request) => answer(request), auth?.verifier);
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
  if (predecessor) {
    const endpoint = openEndpoint((request) => answer(request), serverLimits(config));
    built.use(endpoint.server);
    predecessor.takeOver(endpoint.address);
    void predecessor.gone.then(() => endpoint.server.shutdown(endpointGraceMs));
  }
  const { promise: replaced, resolve } = Promise.withResolvers<void>();
  const handover = openHandover(parts, server, (passOn) => {
    answer = passOn;
    parts.leave();
    cluster?.abandon();
    resolve();
  });
  const without = engine.asked.then(() => engine.state === true ? undefined : engine.state);
  return { ...running(parts, server, handover), without, replaced };
}

/** Waits for a successor of this process. */
function openHandover(
  parts: NodeParts,
  { addresses }: ApiServer,
  replaced: (passOn: HttpHandler) => void,
): Handover {
  const { config, node, built, cluster, pool } = parts;
  return built.use(Handover.open({
    nodeId: node.id,
    socket: handoverSocket(config),
    addresses,
    share: parts.share,
    instances() {
      const counts = pool.count().map(({ name, starting, busy, idle }) =>
        [name, starting + busy + idle] as const
      );
      return Object.fromEntries(counts);
    },
    datagrams: () => cluster?.datagramAddress,
    refusal: () => refusalOf(parts),
    replaced,
  }));
}

function refusalOf(
  { predecessor, registry, results, scheduler }: NodeParts,
): Refusal | undefined {
  const lasting = (reason: string) => ({ reason, isBrief: false });
  if (scheduler.draining) return lasting("it is shutting down");
  const health = registry.health();
  if (!health.ok) return lasting(`its registry is unavailable (${health.reason})`);
  if (results?.waiting) return lasting("results wait on its disk for the registry");
  // Three processes could not tell whose containers and folders are still in use.
  if (!predecessor || predecessor.isGone) return undefined;
  return { reason: "its former process is still completing invocations", isBrief: true };
}

function running(
  { config, node, access, built, scheduler, cluster }: NodeParts,
  server: ApiServer,
  handover: Handover,
): Omit<RunningNode, "replaced"> {
  const parts = built.move();
  let stopped: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    // Clients move to the next process with their next request.
    if (handover.isReplaced) {
      const finished = Promise.all([server.drain(), scheduler.settled(graceMs)]);
      await withTimeout(finished, graceMs);
    }
    const drained = scheduler.drain(handover.isReplaced ? 0 : graceMs);
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

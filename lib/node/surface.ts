/**
 * What a node shows of itself: its API, its log of starting and stopping.
 *
 * @module
 */

import { createApp } from "../api/app.ts";
import { type ApiServer, serveApi, serverLimits } from "../api/server.ts";
import { logger } from "../base/log.ts";
import { registeredAs } from "../cluster/address.ts";
import { addServerMetrics } from "../telemetry/process_metrics.ts";
import { type NodeParts, nodeServices } from "./services.ts";

const log = logger("node");

/** A node that serves requests. Disposing it stops it at once; {@link RunningNode.stop} is gentle. */
export interface RunningNode extends AsyncDisposable {
  /** Where programs of this machine reach it. */
  readonly url: string;
  readonly id: string;
  /** Resolves, never rejects, with what it has to do without, once that is known. */
  readonly without?: Promise<string | undefined>;
  /** Takes no more requests, lets those under way finish (bounded), and removes all it started. */
  stop(): Promise<void>;
}

/**
 * Serves a node, and has it join its cluster.
 *
 * @param parts the node's; what was built is owned by the running node from now on
 * @throws `CONFIG_INVALID` if the port cannot be used
 */
export function serveNode(parts: NodeParts): RunningNode {
  const { config, node, built, cluster, engine } = parts;
  const app = createApp(nodeServices(parts));
  const address = { hostname: config["api.listen"], port: config["api.port"] };
  const server = built.use(serveApi(app.handle, address, serverLimits(config)));
  addServerMetrics(parts.metrics.registry, server.counts);
  cluster?.join(server.port);
  log.info("Node {id} in area {area} serves {url}{registered}, registry {registry}", {
    ...node,
    url: server.url,
    registered: registeredAs(server.url, cluster?.url),
    registry: parts.registry.description,
  });
  const without = engine.asked.then(() => engine.state === true ? undefined : engine.state);
  return { ...running(parts, server), without };
}

function running(
  { config, node, built, scheduler, cluster }: NodeParts,
  server: ApiServer,
): RunningNode {
  const parts = built.move();
  let stopped: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    const drained = scheduler.drain(graceMs);
    await cluster?.leave(); // so that others look elsewhere while this one finishes
    await drained;
    // What is left are answers on their way out.
    await server.shutdown(1_000);
    await parts.disposeAsync();
  };
  return {
    url: server.url,
    id: node.id,
    stop: () => stopped ??= stop(config["shutdown.grace"] * 1000),
    [Symbol.asyncDispose]: () => stopped ??= stop(0),
  };
}

/**
 * What a node shows of itself: its API, its log of starting and stopping.
 *
 * @module
 */

import { createApp } from "../api/app.ts";
import { type ApiServer, serveApi, serverLimits } from "../api/server.ts";
import { logger } from "../base/log.ts";
import { registeredAs } from "../cluster/address.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { FunctionService } from "../registry/functions.ts";
import type { NodeBase } from "./base.ts";
import type { NodeCompute } from "./compute.ts";
import type { NodeRequests } from "./requests.ts";
import { addServerMetrics } from "../telemetry/process_metrics.ts";
import { NodeServices } from "./services.ts";
import type { NodeStorage } from "./storage.ts";

const log = logger("node");

/** A node that serves requests. Disposing it stops it at once; {@link RunningNode.stop} is gentle. */
export interface RunningNode extends AsyncDisposable {
  /** Where programs of this machine reach it. */
  readonly url: string;
  /** Its id. */
  readonly id: string;
  /** Resolves, never rejects, with what it has to do without, once that is known. */
  readonly without?: Promise<string | undefined>;
  /** Takes no more requests, lets those under way finish (bounded), and removes all it started. */
  stop(): Promise<void>;
}

/** What is served. */
export interface SurfaceParts {
  /** Functions, and what nodes share. */
  readonly storage: NodeStorage;
  /** Where functions run. */
  readonly compute: NodeCompute;
  /** What becomes of requests. */
  readonly requests: NodeRequests;
  /** Creates and removes functions. */
  readonly functions: FunctionService;
  /** The other nodes, if there are any. */
  readonly cluster: Cluster | undefined;
}

/**
 * Serves a node, and has it join its cluster.
 *
 * @param base the node's; what was built is owned by the running node from now on
 * @param parts what is served
 * @throws `CONFIG_INVALID` if the port cannot be used
 */
export function serveNode(base: NodeBase, parts: SurfaceParts): RunningNode {
  const { storage, compute, requests, functions, cluster } = parts;
  const { config, node, built } = base;
  const { keeper, stock } = compute.images;
  const services = new NodeServices({
    ...base,
    ...storage,
    ...compute,
    ...requests,
    images: keeper,
    stock,
    functions,
    cluster,
  });
  const address = { hostname: config["api.listen"], port: config["api.port"] };
  const server = built.use(serveApi(createApp(services).handle, address, serverLimits(config)));
  addServerMetrics(requests.metrics.registry, server.counts);
  cluster?.join(server.port);
  log.info("Node {id} in area {area} serves {url}{registered}, registry {registry}", {
    ...node,
    url: server.url,
    registered: registeredAs(server.url, cluster?.url),
    registry: storage.registry.description,
  });
  const { engine } = compute;
  const without = engine.asked.then(() => engine.state === true ? undefined : engine.state);
  return { ...running(base, server, requests, cluster), without };
}

function running(
  { config, node, built }: NodeBase,
  server: ApiServer,
  { scheduler }: NodeRequests,
  cluster: Cluster | undefined,
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

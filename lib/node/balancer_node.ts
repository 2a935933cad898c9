/**
 * The composition root of a balancer: builds it from a configuration, registers it, and serves it.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import { logger } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import type { NodeRecord } from "../model/node.ts";
import { Catalog } from "../registry/catalog.ts";
import type { Registration } from "../registry/registry.ts";
import { etcdOptions } from "../registry/etcd/client/config.ts";
import { hostPort } from "../http/host_port.ts";
import { clusterAuth } from "../cluster/trust/cluster_auth.ts";
import { loopbackProblem, ownAddress, registeredAs } from "../cluster/address.ts";
import { peerGuard } from "../api/peer_guard.ts";
import { type ApiServer, serveApi, serverLimits } from "../api/server.ts";
import { addServerMetrics } from "../telemetry/process_metrics.ts";
import { Balancer } from "../balancer/balancer.ts";
import { machineArchitecture } from "./base.ts";
import { requireClusterAuth } from "./cluster.ts";
import type { RunningNode } from "./serve.ts";
import { version } from "../base/version.ts";

/** A forwarded request has a connection to its client and one to a node. */
const forwardedDescriptors = 2;

/**
 * Time for which a balancer continues to serve after it has deregistered, ms, so that clients and
 * edge nodes that still know it lose no request.
 */
const drainMs = 2_000;

const log = logger("balancer");

/**
 * Starts the balancer of a region.
 *
 * @param config validated configuration
 * @returns once it serves requests and is being registered
 * @throws `CONFIG_INVALID` without `etcd.address`, or if the port cannot be used, or others can reach it
 *   and `cluster.secret` is missing
 */
export async function startBalancer(config: Config): Promise<RunningNode> {
  requireClusterAuth(config);
  await using built = new AsyncDisposableStack();
  const node = {
    id: config["registry.node.id"] || `lb-${randomId(12)}`,
    area: config["registry.area"],
    incarnation: randomId(),
    version,
  };
  const self = { id: node.id, process: node.incarnation };
  const auth = clusterAuth(config["cluster.secret"], self, systemClock);
  const options = etcdOptions(config);
  if (!options) {
    throw new ServerledgeError(
      "CONFIG_INVALID",
      "A balancer finds its nodes in etcd: set etcd.address to the one that they use",
    );
  }
  const { connectEtcd } = await import("../registry/etcd/registry.ts");
  const registry = built.use(await connectEtcd(options));
  const catalog = built.use(await Catalog.open(registry));
  const balancer = built.use(
    await Balancer.open({
      config,
      node,
      clock: systemClock,
      random: Math.random,
      auth,
      registry,
      catalog,
    }),
  );
  const server = built.use(
    serveApi(
      peerGuard(balancer.handle, auth?.verifier),
      { hostname: config["api.listen"], port: config["api.port"] },
      serverLimits(config, forwardedDescriptors),
    ),
  );
  addServerMetrics(balancer.metrics.registry, server.counts);
  const unsigned = recordOf(config, node, server.port);
  const record = auth?.registrations.sign(unsigned) ?? unsigned;
  const registration = mayJoin(config, record.url, options.endpoints)
    ? built.use(registry.registerNode(record))
    : undefined;
  log.info("Balancer {id} of area {area} serves {url}{registered}, registry {registry}", {
    ...node,
    url: server.url,
    registered: registeredAs(server.url, registration && record.url),
    registry: registry.description,
  });

  return running({ config, id: node.id, server, balancer, registration, parts: built.move() });
}

function recordOf(
  config: Config,
  { id, area, incarnation }: Pick<NodeRecord, "id" | "area" | "incarnation">,
  port: number,
): NodeRecord {
  const address = ownAddress(config["api.ip"], config["api.listen"]);
  return {
    id,
    area,
    role: "balancer",
    url: config["api.url"] || `http://${hostPort(address, port)}`,
    udp: "",
    architecture: config["node.architecture"] || machineArchitecture(),
    incarnation,
  };
}

/** Whether others can reach the balancer by that URL; a warning if not. */
function mayJoin(config: Config, url: string, endpoints: readonly string[]): boolean {
  const listen = config["api.url"] === "" ? config["api.listen"] : undefined;
  const problem = loopbackProblem(url, endpoints, listen);
  if (problem) log.warn("The balancer does not join the cluster: {problem}", { problem });
  return problem === undefined;
}

/** Parts of a balancer that serves requests. */
interface BalancerParts {
  readonly config: Config;
  readonly id: string;
  readonly server: ApiServer;
  readonly balancer: Balancer;
  readonly registration: Registration | undefined;
  /** All of them, to be disposed in the end. */
  readonly parts: AsyncDisposableStack;
}

function running(
  { config, id, server, balancer, registration, parts }: BalancerParts,
): RunningNode {
  let stopped: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    // Edge nodes stop using it first; requests in flight are completed.
    balancer.beginShutdown();
    await registration?.[Symbol.asyncDispose]();
    const { promise: drained, resolve } = Promise.withResolvers<void>();
    systemClock.after(Math.min(drainMs, graceMs), resolve);
    await drained;
    await server.shutdown(graceMs);
    await parts.disposeAsync();
  };
  return {
    url: server.url,
    id,
    stop: () => stopped ??= stop(config["shutdown.grace"] * 1000),
    [Symbol.asyncDispose]: () => stopped ??= stop(0),
  };
}

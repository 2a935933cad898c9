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
import { clusterAuth } from "../cluster/trust/cluster_auth.ts";
import { loopbackProblem, ownAddress, registeredAs, urlOf } from "../cluster/address.ts";
import { peerGuard } from "../api/peer_guard.ts";
import { type ApiServer, listenOptions, serveApi, serverLimits } from "../api/server.ts";
import { addAuditMetrics, addServerMetrics, addTlsMetrics } from "../telemetry/process_metrics.ts";
import { Balancer } from "../balancer/balancer.ts";
import { openAccess } from "./access.ts";
import { openAudit } from "./audit.ts";
import { machineArchitecture } from "./base.ts";
import { clusterTrust, requireClusterAuth } from "./cluster.ts";
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
      "A load balancer finds its nodes in etcd: set etcd.address to the etcd that the nodes use",
    );
  }
  const { connectEtcd } = await import("../registry/etcd/registry.ts");
  const registry = built.use(await connectEtcd(options));
  const catalog = built.use(await Catalog.open(registry));
  const listen = await listenOptions(config);
  if (listen.tls) built.use(listen.tls);
  const clock = systemClock;
  const { access, tokens } = await openAccess({ config, registry, catalog, clock, built });
  const audit = openAudit({ config, access, node, clock, built }, "lb-audit.log");
  const balancer = built.use(
    await Balancer.open({
      config,
      access,
      audit,
      tokens,
      node,
      clock,
      random: Math.random,
      auth,
      registry,
      catalog,
      tls: listen.tls,
      trust: clusterTrust(config),
    }),
  );
  const server = built.use(
    serveApi(
      peerGuard(balancer.handle, auth?.verifier),
      listen,
      serverLimits(config, forwardedDescriptors),
    ),
  );
  addServerMetrics(balancer.metrics.registry, server.counts);
  if (audit) addAuditMetrics(balancer.metrics.registry, audit);
  if (listen.tls) addTlsMetrics(balancer.metrics.registry, listen.tls);
  const unsigned = recordOf(config, node, server);
  const record = auth?.registrations.sign(unsigned) ?? unsigned;
  const registration = mayJoin(config, record.url, options.endpoints)
    ? built.use(registry.registerNode(record))
    : undefined;
  log.info("Load balancer {id} of area {area} serves {urls}{registered}, registry {registry}", {
    ...node,
    urls: server.urls,
    registered: registeredAs(server.url, registration && record.url),
    registry: registry.description,
  });

  return running({
    config,
    id: node.id,
    requiresKeys: access.isRequired,
    server,
    balancer,
    registration,
    parts: built.move(),
  });
}

function recordOf(
  config: Config,
  { id, area, incarnation }: Pick<NodeRecord, "id" | "area" | "incarnation">,
  server: ApiServer,
): NodeRecord {
  const address = ownAddress(config["api.ip"], config["api.listen"]);
  return {
    id,
    area,
    role: "balancer",
    url: config["api.url"] || urlOf(address, server.port, server.isSecure),
    udp: "",
    architecture: config["node.architecture"] || machineArchitecture(),
    incarnation,
  };
}

/** Whether others can reach the balancer by that URL; a warning if not. */
function mayJoin(config: Config, url: string, endpoints: readonly string[]): boolean {
  const listen = config["api.url"] === "" ? config["api.listen"] : undefined;
  const problem = loopbackProblem(url, endpoints, listen);
  if (problem) log.warn("The load balancer does not join the cluster: {problem}", { problem });
  return problem === undefined;
}

/** Parts of a balancer that serves requests. */
interface BalancerParts {
  readonly config: Config;
  readonly id: string;
  readonly requiresKeys: boolean;
  readonly server: ApiServer;
  readonly balancer: Balancer;
  readonly registration: Registration | undefined;
  /** All of them, to be disposed in the end. */
  readonly parts: AsyncDisposableStack;
}

function running(
  { config, id, requiresKeys, server, balancer, registration, parts }: BalancerParts,
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
    requiresKeys,
    stop: () => stopped ??= stop(config["shutdown.grace"] * 1000),
    [Symbol.asyncDispose]: () => stopped ??= stop(0),
  };
}

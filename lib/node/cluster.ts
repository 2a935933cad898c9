/**
 * A node's membership in its cluster.
 *
 * @module
 */

import { isLoopback } from "../api/origin.ts";
import { ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import { ownAddress } from "../cluster/address.ts";
import { Cluster } from "../cluster/cluster.ts";
import type { ClusterOptions } from "../cluster/options.ts";
import { PeerClient } from "../cluster/peers/client.ts";
import type { Config } from "../config/config.ts";
import { etcdOptions } from "../registry/etcd/client/config.ts";
import { type Trust, TrustFile } from "../http/tls/trust.ts";
import type { Registry } from "../registry/registry.ts";
import type { NodeBase } from "./base.ts";

const log = logger("node");

/**
 * Opens the cluster, which the node joins when it is served.
 *
 * @param status provides this node's status, and receives the updates of others
 * @returns undefined for a single node
 */
export async function openCluster(
  { config, home, node, clock, auth, predecessor, bodies, built }: NodeBase,
  registry: Registry,
  status: Pick<ClusterOptions, "status" | "onStatus">,
): Promise<Cluster | undefined> {
  const etcd = etcdOptions(config);
  if (!etcd) return undefined;
  return built.use(
    await Cluster.open({
      registry,
      node,
      home: home.folderId,
      endpoints: etcd.endpoints,
      address: ownAddress(config["api.ip"], config["api.listen"]),
      url: config["api.url"],
      listen: config["api.url"] === "" ? config["api.listen"] : undefined,
      remoteArea: config["registry.remote.area"],
      auth,
      udp: config["registry.udp.address"],
      udpPort: config["registry.udp.port"],
      udpPortIsFixed: config.chosen.has("registry.udp.port"),
      takesOver: predecessor !== undefined,
      nearbyMs: config["registry.nearby.interval"] * 1000,
      monitoringMs: config["registry.monitoring.interval"] * 1000,
      clock,
      trust: clusterTrust(config),
      reserveResult: () => bodies.takeResult(0),
      random: Math.random,
      ...status,
    }),
  );
}

/** Returns the certificates that `cluster.tls.ca` adds for peers. */
export function clusterTrust(config: Config): Trust | undefined {
  const path = config["cluster.tls.ca"];
  return path === "" ? undefined : new TrustFile("cluster.tls.ca", path);
}

/**
 * Requires the secret of a member of a cluster that other machines can reach.
 *
 * @throws `CONFIG_INVALID` if it is missing
 */
export function requireClusterAuth(config: Config): void {
  const listen = config["api.listen"];
  if (config["etcd.address"] === "" || isLoopback(listen)) return;
  if (config["cluster.secret"] !== "" || config["cluster.auth"] === "none") return;
  throw new ServerledgeError(
    "CONFIG_INVALID",
    `A cluster member that other machines can reach (api.listen is ${listen}) needs ` +
      "cluster.secret; without it, anyone who can reach the member can pose as a node. Set " +
      "cluster.secret to the same random text on all nodes and load balancers (for " +
      "example, from openssl rand -hex 32), or set cluster.auth to none if you trust " +
      "everyone in the network",
  );
}

/**
 * Rejects the id of another running node, before resources of that node are considered orphaned.
 *
 * @throws `CONFIG_INVALID` if another node has the id
 */
export async function requireUniqueId(
  registry: Registry,
  { config, home: { nodeId, folderId }, auth, clock }: Pick<
    NodeBase,
    "config" | "home" | "auth" | "clock"
  >,
): Promise<void> {
  if (!registry.health().ok) return;
  const registered = await registry.registeredNode(nodeId).catch(() => undefined);
  if (registered?.home === undefined || registered.home === folderId) return;
  // Whoever can write to etcd could otherwise keep a node from starting.
  if (auth?.registrations.problemOf(registered) !== undefined) return;
  using client = new PeerClient(auth?.signer, clock, undefined, clusterTrust(config));
  if (!await client.isAlive(registered)) {
    const former = { id: nodeId, url: registered.url };
    return log.warn(
      "Node {id} was registered at {url}, which does not respond: this node replaces it",
      former,
    );
  }
  throw new ServerledgeError(
    "CONFIG_INVALID",
    `Node id ${nodeId} belongs to another node of the cluster, at ${registered.url}: set ` +
      "registry.node.id to another id, or leave it empty to generate one",
  );
}

/**
 * Keys of the Go node and its branches that have no meaning here, and why: who brings such a file
 * is warned and not stopped.
 *
 * @module
 */

const catalog = "the whole catalog is kept in memory and current";
const measured = "policies plan with what the node measures itself";

/** Why a key has no effect, and what has its place. */
const retired: Readonly<Record<string, string>> = {
  "cache.size": catalog,
  "cache.cleanup": catalog,
  "cache.expiration": catalog,
  "cloud":
    "the nodes of the cloud are those whose registry.area others have as registry.remote.area",
  "cloud.server.url": "set registry.remote.area to the area of the cloud",
  "registry.ttl": "nodes renew their registration by themselves",
  "metrics.port": "metrics are served at api.port",
  "metrics.bandwidth.cloud": "set policy.bandwidth.cloud instead",
  "scheduler.cloud.cost": "set policy.cost instead",
  "scheduler.local.budget": "set policy.budget instead",
  "solver.evalinterval": "set policy.plan.interval instead",
  "solver.address": "policies plan within the node",
  "storage.version": measured,
  "storage.address": measured,
  "storage.token": measured,
  "storage.orgname": measured,
  "docker.cpu": "each function has its own CPUDemand, and the node container.pool.cpus",
};

/** Keys, and prefixes of keys, for parts that this version does not have. */
const absent = [
  "scheduler.fallback.local",
  "offloading.",
  "loadbalancer.",
  "metrics.prometheus.",
  "metrics.retriever.",
  "metrics.dump.",
  "metrics.load.",
  "tracing.",
  "workflow.",
];

/**
 * Why a key of the Go node has no effect here.
 *
 * @param key in lower case
 * @returns undefined if it is no such key
 */
export function whyWithoutEffect(key: string): string | undefined {
  if (Object.hasOwn(retired, key)) return retired[key];
  if (absent.some((part) => key === part || (part.endsWith(".") && key.startsWith(part)))) {
    return "this version does not have that part of the Go node";
  }
  return undefined;
}

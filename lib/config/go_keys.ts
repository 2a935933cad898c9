/**
 * Keys and values in configuration files of the Go node and its branches, and former keys of this
 * program. Such files are accepted, with one warning for each key.
 *
 * @module
 */

/** Reasons why keys have no effect, and their replacements. */
export const retired: Readonly<Record<string, string>> = {
  "cloud": "set registry.remote.area to the area of the cloud",
  "cloud-server-url": "set registry.remote.area to the area of the cloud",
  "cloud.server.url": "set registry.remote.area to the area of the cloud",
  "offloading":
    "scheduler.policy decides, for requests whose CanDoOffloading (default: offload.default) is true",
  "scheduler.version": "set scheduler.policy instead",
  "registry.ttl": "nodes renew their registration automatically",
  "metrics.port": "metrics are served at api.port",
  "metrics.bandwidth.cloud": "set policy.bandwidth.cloud instead",
  "scheduler.cloud.cost": "set policy.cost instead",
  "scheduler.local.budget": "set policy.budget instead",
  "solver.evalinterval": "set policy.plan.interval instead",
  "docker.cpu": "set CPUDemand of each function and container.pool.cpus of the node instead",
};

/** Reasons why all keys of a section have no effect, and their replacements. */
export const retiredSections: Readonly<Record<string, string>> = {
  cache: "each node keeps the whole catalog in memory and up to date",
  logging: "set log.level and log.format instead",
  solver: "policies plan inside the node",
  storage: "policies plan with the node's own measurements",
};

/** Keys, and prefixes of keys, for parts that this version does not have. */
export const absent: readonly string[] = [
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

/** Present names of keys of the branches, and of former keys of this program. */
export const renamed: Readonly<Record<string, string>> = {
  "sandbox.spares": "sandbox.generic",
  "containers.memory": "container.pool.memory",
};

/** Present values by key, and by the value of the branches in lower case. */
export const renamedValues: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "scheduler.policy": {
    localonly: "default",
    custom1: "edgecloud",
    customcloudoffload: "edgecloud",
    qosawarecloud: "probabilistic",
    qosawareedgecloud: "probabilistic",
  },
  "mab.policy": { ucb1: "UCB1", linucb: "LinUCB" },
  "lb.mode": { roundrobin: "RoundRobin", mab: "MAB", random: "random" },
};

/**
 * Converts keys and values of the Go node to those of this version.
 *
 * @param entries keys in lower case, with their values
 * @param origin source of the entries, for the warnings
 * @returns the entries by their present keys, and a warning for each change
 */
export function inOurTerms(
  entries: readonly (readonly [key: string, value: unknown])[],
  origin: string,
): { entries: (readonly [key: string, value: unknown])[]; warnings: string[] } {
  const warnings: string[] = [];
  const known = new Set(entries.map(([key]) => key));
  const translated = entries.flatMap(([key, value]): (readonly [string, unknown])[] => {
    const name = currentName(key);
    if (name !== key) {
      const isSet = known.has(name);
      warnings.push(
        `${key} (${origin}) is ${isSet ? `ignored: ${name} is set` : `read as ${name}`}`,
      );
      if (isSet) return [];
    }
    const meanings = Object.hasOwn(renamedValues, name) ? renamedValues[name]! : {};
    const spelling = String(value).toLowerCase();
    const meaning = Object.hasOwn(meanings, spelling) ? meanings[spelling]! : value;
    if (meaning !== value) {
      warnings.push(`${name} (${origin}): "${value}" is read as "${meaning}"`);
    }
    return [[name, meaning]];
  });
  return { entries: translated, warnings };
}

/** Returns the present name of a key; keys of runtimes contain the runtime's id. */
function currentName(key: string): string {
  if (Object.hasOwn(renamed, key)) return renamed[key]!;
  return key.replace(/^(runtimes\..+)\.spares$/, "$1.generic");
}

/**
 * Returns why a key of the Go node has no effect.
 *
 * @param key the key in lower case
 * @returns undefined if the key is not one of those
 */
export function whyWithoutEffect(key: string): string | undefined {
  if (Object.hasOwn(retired, key)) return retired[key];
  const section = key.split(".")[0]!;
  if (Object.hasOwn(retiredSections, section)) return retiredSections[section];
  if (absent.some((part) => key === part || (part.endsWith(".") && key.startsWith(part)))) {
    return "this version does not have this part of the Go node";
  }
  return undefined;
}

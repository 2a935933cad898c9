/**
 * The services that a node's API uses.
 *
 * @module
 */

import type { ListenOptions } from "../api/server.ts";
import type { ApiServices, ShowsFunction } from "../api/services.ts";
import { ServerledgeError } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { quantity } from "../base/quantity.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { needOf } from "../images/needs.ts";
import { type FunctionRecord, functionUnknown } from "../model/function.ts";
import { QosClasses } from "../model/qos.ts";
import type { NodeStatus } from "../model/status.ts";
import type { FunctionService } from "../registry/functions.ts";
import { isSandboxed } from "../runtime/kinds/kinds.ts";
import { followOutput, type WrittenLine } from "../telemetry/follow_output.ts";
import type { NodeAccess } from "./access.ts";
import type { NodeAudit } from "./audit.ts";
import type { BackgroundService, NodeBase } from "./base.ts";
import type { NodeCompute } from "./compute.ts";
import type { NodeRequests } from "./requests.ts";
import type { NodeSecrets } from "./secrets.ts";
import type { NodeStorage } from "./storage.ts";

/** Most clients that follow logs at once. */
export const maxFollowers = 100;
/** Most missing images listed in the status. */
const maxMissingImages = 1000;

/** All parts of a node. */
export type NodeParts =
  & NodeBase
  & NodeStorage
  & NodeAccess
  & NodeSecrets
  & NodeCompute
  & NodeRequests
  & {
    /** Audit record; undefined if there is none. */
    readonly audit: NodeAudit | undefined;
    /** Creates and deletes functions. */
    readonly functions: FunctionService;
    /** The cluster, unless the node is alone. */
    readonly cluster: Cluster | undefined;
    /** Where it listens. */
    readonly listen: ListenOptions;
    /** What it does besides serving requests. */
    readonly background: readonly BackgroundService[];
  };

/** Creates the services of a node that starts now. */
export function nodeServices(parts: NodeParts): ApiServices {
  const { catalog, config, environment, functions, images, ledger, pool, scheduler } = parts;
  const { asyncInvocations, cluster, metrics, policy } = parts;
  const startedAt = parts.clock.now();
  return {
    config,
    access: parts.access,
    audit: parts.audit?.trail,
    keys: parts.keys,
    classes: new QosClasses(config.qosClasses),
    secrets: parts.secrets,
    async rotateSecrets() {
      const health = parts.registry.health();
      if (!health.ok) {
        // Secrets that this node has not seen would keep their former keys.
        throw new ServerledgeError(
          "REGISTRY_UNAVAILABLE",
          `Cannot rotate secrets without the registry: ${health.reason}`,
        );
      }
      await parts.imageLogins.rotate();
      return await parts.secrets.rotate();
    },
    bodies: parts.bodies,
    node: { ...parts.node, version },
    free: () => ({ memoryMib: ledger.availableMemory, cpu: ledger.freeCpu }),
    admit: (name) => scheduler.admit(name),
    invoke: (name, request, origin) => scheduler.submit(name, request, origin),
    accept: (name, request, origin) => asyncInvocations.accept(name, request, origin),
    poll: (id, reserve) => asyncInvocations.poll(id, reserve),
    create: (definition, reserve) => functions.create(definition, reserve),
    update: (definition, reserve) => functions.update(definition, reserve),
    patch: (name, changes, authorize, reserve) =>
      functions.patch(name, changes, authorize, reserve),
    remove: (name) => functions.remove(name),
    functions() {
      catalog.requireComplete();
      return catalog.list();
    },
    async prewarm(name, count, { refresh }) {
      for (;;) {
        const record = find(parts, name);
        await environment.prepare(record, { refresh });
        try {
          return await pool.prewarm(record, count);
        } catch (error) {
          // Updated in the meantime: prepare the new version.
          if (find(parts, name).version === record.version) throw error;
        }
      }
    },
    status: (shows) => statusOf(parts, startedAt, shows),
    imageLogins: () => parts.imageLogins.list(),
    logIn: (registry, credentials) =>
      parts.imageLogins.login(registry, credentials, (auth) => images.verify(auth)),
    logOut: (registry) => parts.imageLogins.logout(registry),
    images: () => images.keeper.list(),
    pullImages: (names, { refresh }) => images.keeper.pull(names, refresh),
    pruneImages: (options) => images.keeper.prune(options),
    metrics: () => metrics.registry.render(),
    ...logsOf(parts),
    health: (shows) => healthOf(parts, shows),
    policy() {
      // A policy that learns can explain its decisions better.
      const { estimates, decisions = scheduler.decisions } = policy.explain?.() ?? {};
      return { name: policy.name, estimates, decisions };
    },
    members: () => cluster?.members() ?? [],
    async backUp() {
      if (parts.backups) return await parts.backups.open();
      throw new ServerledgeError(
        "UNPROCESSABLE",
        "The registry of this node is etcd: make backups with etcdctl snapshot save",
      );
    },
  };
}

function statusOf(parts: NodeParts, startedAt: number, shows: ShowsFunction): NodeStatus {
  const { node, config, ledger, pool, scheduler, registry, catalog, clock, engine, environment } =
    parts;
  const { totalMemory, busyMemory, warmMemory, totalCpu, usedCpu } = ledger.balance;
  const counts = pool.count().filter(({ name }) => shows(name));
  // Images, too, tell about the functions of others.
  const shown = shows("*") ? undefined : catalog.list().filter(({ name }) => shows(name));
  const idle = counts.filter((count) => count.idle > 0);
  const registryHealth = registry.health();
  const code = parts.codeCache.usage;
  const coordinate = parts.cluster?.coordinate;
  return {
    availableWarmContainers: Object.fromEntries(idle.map(({ name, idle }) => [name, idle])),
    totalMemoryMib: totalMemory,
    availableMemoryMib: totalMemory - busyMemory,
    freeMemoryMib: totalMemory - busyMemory - warmMemory,
    totalCpu,
    usedCpu,
    coordinates: coordinate
      ? { vector: [...coordinate.vector], error: coordinate.error, height: coordinate.height }
      : { vector: [0, 0, 0], error: 0, height: 0 },
    loadAvg: Deno.loadavg(),
    lastUpdateS: Math.floor(clock.wall() / 1000),
    node: node.id,
    area: node.area,
    architecture: node.architecture,
    version,
    uptimeS: Math.floor((clock.now() - startedAt) / 1000),
    functions: shown?.length ?? catalog.size,
    instances: counts.map(({ name, starting, busy, idle }) => ({
      functionName: name,
      starting,
      busy,
      idle,
    })),
    queueLength: scheduler.waiting,
    running: scheduler.running,
    problems: healthOf(parts, shows).problems,
    registry: {
      kind: registry.description,
      ok: registryHealth.ok,
      ...(registryHealth.ok ? {} : { problem: registryHealth.reason }),
    },
    runtimes: [...config.runtimes.values()].map(({ id, executor }) => ({
      runtime: id,
      ok: isSandboxed(executor) || engine.state === true,
    })),
    engine: engine.state === true ? { ok: true } : { ok: false, problem: engine.state },
    pulls: (shown ? [] : environment.pulls?.() ?? []).map(({ image, percent, message }) => ({
      image,
      percent,
      message,
    })),
    missingImages: parts.images.availability.missing
      .filter((need) =>
        !shown || config.runtimes.has(need) || shown.some((fn) => needOf(fn) === need)
      )
      .slice(0, maxMissingImages),
    genericInstances: parts.generics.counts,
    spares: parts.generics.counts,
    ...(code && { code: { count: code.count, bytes: code.bytes } }),
  };
}

function healthOf(
  { registry, results, engine, scheduler, cluster, janitor, background, listen, ...parts }:
    NodeParts,
  shows: ShowsFunction,
): { ok: boolean; problems: string[] } {
  const health = registry.health();
  const problems: string[] = [];
  if (!health.ok) problems.push(`registry: ${health.reason}`);
  const waiting = results?.waiting ?? 0;
  if (waiting > 0) {
    problems.push(
      `results: ${
        quantity(waiting, "result")
      } of asynchronous invocations can be polled at this node only`,
    );
  }
  if (engine.state !== true) problems.push(`containers: ${engine.state}`);
  problems.push(...janitor.problems(shows), ...cluster?.problems() ?? []);
  problems.push(
    ...[listen.tls, parts.tokens, parts.audit, parts.secretHealth].flatMap((part) =>
      part?.problems() ?? []
    ),
  );
  problems.push(...background.flatMap((service) => service.problems()));
  if (scheduler.draining) problems.push("the node is shutting down");
  return { ok: !scheduler.draining, problems };
}

/** Reads and follows the output of functions; the number of followers is bounded. */
function logsOf(parts: NodeParts): Pick<ApiServices, "logs" | "followLogs"> {
  const { outputLog, scheduler, catalog, pool } = parts;
  let followers = 0;

  /** Output of instances that is not in the log yet. */
  const unread = async (name: string, lines: number): Promise<WrittenLine[]> => {
    // An unavailable engine has no output of its containers.
    const reading = pool.instances(name).map((one) => one.logs(lines).catch(() => []));
    return (await Promise.all(reading)).flat().map((line) => ({ ...line, id: "-" }));
  };

  async function* follow(name: string, lines: number, signal: AbortSignal) {
    followers++;
    try {
      const followed = followOutput(name, lines, {
        log: outputLog,
        outside: () => unread(name, lines),
        goesOn: () => !scheduler.draining && !pool.isLeaving && catalog.has(name),
        signal,
      });
      for await (const found of followed) yield found.map(lineText);
    } finally {
      followers--;
    }
  }

  return {
    async logs(name, lines) {
      find(parts, name);
      return [...await unread(name, lines), ...outputLog.read(name, { last: lines })]
        .sort((a, b) => a.time - b.time)
        .slice(-lines)
        .map(lineText);
    },
    followLogs(name, lines, signal) {
      find(parts, name);
      if (followers < maxFollowers) return follow(name, lines, signal);
      throw new ServerledgeError(
        "NODE_SATURATED",
        `${maxFollowers} clients follow function output on this node, which is the maximum: ` +
          "stop one of them",
      );
    },
  };
}

function find({ catalog }: NodeParts, name: string): FunctionRecord {
  const record = catalog.get(name);
  if (record) return record;
  throw functionUnknown(name);
}

function lineText({ time, id, text }: WrittenLine): string {
  return `${new Date(time).toISOString()} ${id} ${text}`;
}

/**
 * The request processing of a node: policy, scheduler, asynchronous invocations, metrics and logs.
 *
 * @module
 */

import { Deadlines } from "../base/deadlines.ts";
import { type LineSink, logger } from "../base/log.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { noPeers } from "../cluster/peers/no_peers.ts";
import { QosClasses } from "../model/qos.ts";
import { kindOf } from "../runtime/kinds/kinds.ts";
import type { Policy } from "../policy/contract.ts";
import { loadPolicy } from "../policy/loader.ts";
import type { DurableResults } from "../registry/local/durable_results.ts";
import { openSqlite } from "../registry/local/registry.ts";
import type { Registry } from "../registry/registry.ts";
import { AsyncInvocations } from "../scheduler/async_invocations.ts";
import type { InvocationObserver } from "../scheduler/observer.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { InvocationLog } from "../telemetry/invocation_log.ts";
import { Metrics } from "../telemetry/metrics.ts";
import type { OutputLog } from "../telemetry/output_log.ts";
import type { NodeBase } from "./base.ts";
import type { NodeCompute } from "./compute.ts";
import { type NodeStorage, openResults } from "./storage.ts";

const log = logger("node");

/**
 * Loads the scheduling policy.
 *
 * @throws `CONFIG_INVALID` for an invalid policy
 */
export async function openPolicy({ config, clock, built }: NodeBase): Promise<Policy> {
  const policy = await loadPolicy(config["scheduler.policy"], {
    random: Math.random,
    now: () => clock.now(),
    settings: config.policySettings,
  }, (problem) => log.warn("{problem}", { problem }));
  built.defer(() => policy[Symbol.dispose]?.());
  return policy;
}

/** Request processing of a node. */
export interface NodeRequests {
  readonly policy: Policy;
  readonly scheduler: Scheduler;
  readonly asyncInvocations: AsyncInvocations;
  /** Results to be written to a registry that may be unavailable. */
  readonly results: DurableResults | undefined;
  readonly metrics: Metrics;
  /** Output of functions. */
  readonly outputLog: OutputLog;
}

/** Dependencies in addition to the node's base. */
export interface RequestParts {
  readonly policy: Policy;
  readonly storage: NodeStorage;
  readonly compute: NodeCompute;
  /** The cluster, unless the node is alone. */
  readonly cluster: Cluster | undefined;
  /** Output of functions. */
  readonly outputLog: OutputLog;
  /** Receives one record per invocation, if they are written. */
  readonly infoLines: LineSink | undefined;
}

/**
 * Opens the request processing, and fails the asynchronous invocations that an earlier process left
 * pending.
 */
export function openRequests(base: NodeBase, parts: RequestParts): NodeRequests {
  const { policy, storage: { registry, catalog }, compute, cluster, outputLog } = parts;
  const metrics = new Metrics(base.node.area, {
    balance: () => compute.ledger.balance,
    instances: () => compute.pool.count(),
    generics: () => compute.generics.counts,
    waiting: () => scheduler.waiting,
    running: () => scheduler.running,
    exists: (name) => catalog.has(name),
  });
  compute.pool.observe(metrics);
  const scheduler: Scheduler = openScheduler(base, parts, metrics);
  const results = openResults(base, registry);
  const url = () => cluster?.url ?? "";
  const asyncInvocations = openAsyncInvocations(base, results ?? registry, scheduler, url);
  return { policy, scheduler, asyncInvocations, results, metrics, outputLog };
}

function openScheduler(
  base: NodeBase,
  { policy, storage: { catalog }, compute, cluster, outputLog, infoLines }: RequestParts,
  metrics: Metrics,
): Scheduler {
  const { config, node, clock, built } = base;
  const { images, ledger, pool } = compute;
  const observers: InvocationObserver[] = [metrics, outputLog];
  if (infoLines) observers.push(new InvocationLog(infoLines, config["log.format"], clock.wall));
  return new Scheduler({
    node,
    clock,
    deadlines: built.use(new Deadlines(clock)),
    policy,
    pool,
    ledger,
    peers: cluster ?? noPeers,
    classes: new QosClasses(config.qosClasses),
    maxHops: config["scheduler.hops"],
    find: (name) => catalog.get(name),
    supports: ({ architectures: known }) => known.length === 0 || known.includes(node.architecture),
    keepsLargeIntegers: (record) => {
      const runtime = config.runtimes.get(record.runtime);
      return !runtime || !kindOf(runtime.executor).roundsIntegers;
    },
    images: {
      has: (record) => images.availability.has(record),
      fetch: (record) => images.prefetcher.want(record),
    },
    queueCapacity: config["scheduler.queue.capacity"],
    defaultTimeoutMs: config["invocation.timeout"] * 1000,
    observer: {
      completed: (end) => observers.forEach((observer) => observer.completed(end)),
      interrupted: (name, id, traceback) => outputLog.interrupted(name, id, traceback),
    },
  });
}

function openAsyncInvocations(
  { config, home, node, clock, predecessor, built }: NodeBase,
  registry: Registry | DurableResults,
  scheduler: Scheduler,
  url: () => string,
): AsyncInvocations {
  const isShared = config["etcd.address"] !== "";
  const asyncInvocations = built.use(
    new AsyncInvocations({
      node: node.id,
      area: node.area,
      url,
      clock,
      scheduler,
      registry,
      ...(isShared && { confined: built.use(openSqlite(home.of("kept_results.db"))) }),
      ttlMs: config["async.results.expiration"] * 1000,
    }),
  );
  if (predecessor) void predecessor.gone.then(() => asyncInvocations.recover());
  else void asyncInvocations.recover();
  return asyncInvocations;
}

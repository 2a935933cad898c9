/**
 * What becomes of a node's requests: who decides, runs, counts and remembers them.
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
import { Planner } from "../scheduler/planner.ts";
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
 * @param base the node's
 * @throws `CONFIG_INVALID` for a policy that cannot be used
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

/** What becomes of a node's requests. */
export interface NodeRequests {
  /** Decides about them. */
  readonly policy: Policy;
  /** Runs them. */
  readonly scheduler: Scheduler;
  /** Runs the asynchronous ones. */
  readonly asyncInvocations: AsyncInvocations;
  /** Results of those on their way to the registry, where it may be away. */
  readonly results: DurableResults | undefined;
  /** Counts them. */
  readonly metrics: Metrics;
  /** Keeps what functions wrote. */
  readonly outputLog: OutputLog;
}

/** What requests need besides the node's base. */
export interface RequestParts {
  /** Decides about them. */
  readonly policy: Policy;
  /** Functions, and what nodes share. */
  readonly storage: NodeStorage;
  /** Where they run. */
  readonly compute: NodeCompute;
  /** The other nodes, if there are any. */
  readonly cluster: Cluster | undefined;
  /** Keeps what functions wrote. */
  readonly outputLog: OutputLog;
  /** Takes one record for each invocation, if any are written. */
  readonly infoLines: LineSink | undefined;
}

/**
 * Opens it, and ends the asynchronous invocations that the node left under way when it ended.
 *
 * @param base the node's
 */
export function openRequests(base: NodeBase, parts: RequestParts): NodeRequests {
  const { policy, storage: { registry, catalog }, compute, cluster, outputLog } = parts;
  const metrics = new Metrics(base.node.area, {
    balance: () => compute.ledger.balance,
    instances: () => compute.pool.count(),
    spares: () => compute.generics.counts,
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
  const peers = cluster ?? noPeers;
  const observers: InvocationObserver[] = [metrics, outputLog];
  if (infoLines) observers.push(new InvocationLog(infoLines, config["log.format"], clock.wall));
  const scheduler = new Scheduler({
    node,
    clock,
    deadlines: built.use(new Deadlines(clock)),
    policy,
    pool,
    ledger,
    peers,
    classes: new QosClasses(config.qosClasses),
    maxHops: config["scheduler.hops"],
    find: (name) => catalog.get(name),
    supports: ({ architectures: known }) => known.length === 0 || known.includes(node.architecture),
    keepsLargeIntegers: (record) => {
      const runtime = config.runtimes.get(record.runtime);
      return !runtime || !kindOf(runtime.executor).roundsIntegers;
    },
    images: {
      has: (record) => images.stock.has(record),
      fetch: (record) => images.prefetcher.want(record),
    },
    queueCapacity: config["scheduler.queue.capacity"],
    defaultTimeoutMs: config["invocation.timeout"] * 1000,
    observer: {
      completed: (end) => observers.forEach((observer) => observer.completed(end)),
      interrupted: (name, id, traceback) => outputLog.interrupted(name, id, traceback),
    },
  });
  const intervalMs = config["policy.plan.interval"] * 1000;
  const statistics = (seconds: number) => ({
    arrivals: scheduler.arrivals(seconds),
    memoryMib: ledger.balance.totalMemory,
    ...peers.summary(),
  });
  built.use(new Planner({ policy, clock, intervalMs, statistics }));
  return scheduler;
}

function openAsyncInvocations(
  { config, home, node, clock, built }: NodeBase,
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
  void asyncInvocations.recover();
  return asyncInvocations;
}

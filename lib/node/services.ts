/**
 * A node's parts as its API sees them.
 *
 * @module
 */

import type { BookMemory } from "../base/book_memory.ts";
import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import type { Definition, FunctionRecord } from "../model/function.ts";
import type { Origin } from "../model/hop.ts";
import type { ImageView, PrunedImages, PulledImages } from "../images/status.ts";
import type { InvokeRequest } from "../model/invocation.ts";
import { isSandboxed } from "../runtime/kinds/kinds.ts";
import type { NodeStatus } from "../model/status.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { CodeCache } from "../registry/code/cache.ts";
import type { DurableResults } from "../registry/local/durable_results.ts";
import type { FunctionService } from "../registry/functions.ts";
import type { Policy } from "../policy/contract.ts";
import type { AsyncResult, Registry } from "../registry/registry.ts";
import type { ExecutionEnvironment } from "../runtime/environment.ts";
import type { ImageKeeper, PruneOptions } from "../runtime/docker/images/keeper.ts";
import type { ImageStock } from "../images/presence.ts";
import type { EnvironmentWatch } from "../runtime/watch.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { MemberView } from "../cluster/members.ts";
import type { ResourceLedger } from "../pool/resource_ledger.ts";
import type { Janitor } from "../pool/keep_alive/janitor.ts";
import type { Pool } from "../pool/pool.ts";
import type { AsyncInvocations } from "../scheduler/async_invocations.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { followOutput, type WrittenLine } from "../telemetry/follow_output.ts";
import type { OutputLog } from "../telemetry/output_log.ts";
import { BodyBudget } from "../api/body_budget.ts";
import type { ApiServices, Invocation } from "../api/services.ts";
import { version } from "../base/version.ts";

/** Bytes in a MiB. */
const mib = 1 << 20;
/** Most clients that follow logs at once. */
export const maxFollowers = 100;
/** Most missing images that the status tells of. */
const maxMissing = 1000;

/** The parts. */
export interface NodeParts {
  /** The node's configuration. */
  readonly config: Config;
  /** Who the node is. */
  readonly node: { readonly id: string; readonly area: string; readonly architecture: string };
  /** The node's clock. */
  readonly clock: Clock;
  /** All functions. */
  readonly catalog: Catalog;
  /** Their code on this machine. */
  readonly codeCache: CodeCache;
  /** Creates and removes functions. */
  readonly functions: FunctionService;
  /** What nodes share. */
  readonly registry: Registry;
  /** Results of async invocations on their way to the registry, where it may be away. */
  readonly results: DurableResults | undefined;
  /** Makes instances. */
  readonly environment: ExecutionEnvironment;
  /** Whether it can. */
  readonly engine: EnvironmentWatch;
  /** Looks after images. */
  readonly images: ImageKeeper;
  /** Knows which are there. */
  readonly stock: ImageStock;
  /** Memory and CPU. */
  readonly ledger: ResourceLedger;
  /** Instances. */
  readonly pool: Pool;
  /** Keeps them tidy. */
  readonly janitor: Janitor;
  /** The cluster, if the node is in one. */
  readonly cluster: Cluster | undefined;
  /** Decides about invocations. */
  readonly policy: Policy;
  /** Runs invocations. */
  readonly scheduler: Scheduler;
  /** Runs asynchronous ones. */
  readonly asyncInvocations: AsyncInvocations;
  /** Counts them. */
  readonly metrics: Metrics;
  /** Keeps what they wrote. */
  readonly outputLog: OutputLog;
}

/** The services of a node, put together from its parts. */
export class NodeServices implements ApiServices {
  #followers = 0;
  readonly #parts: NodeParts;
  readonly #startedAt: number;
  /** See {@link ApiServices}. */
  readonly config: Config;
  /** See {@link ApiServices}. */
  readonly bodies: BodyBudget;
  /** See {@link ApiServices}. */
  readonly node: ApiServices["node"];

  /** Services of a node that starts now. */
  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.config = parts.config;
    this.bodies = new BodyBudget(bodyMemory(parts.config));
    this.node = { ...parts.node, version };
  }

  /** See {@link ApiServices}. */
  free(): { memoryMib: number; cpu: number } {
    const { ledger } = this.#parts;
    return { memoryMib: ledger.availableMemory, cpu: ledger.freeCpu };
  }

  /** See {@link ApiServices}. */
  admit(name: string): void {
    this.#parts.scheduler.admit(name);
  }

  /** See {@link ApiServices}. */
  invoke(name: string, request: InvokeRequest, origin?: Origin): Invocation {
    return this.#parts.scheduler.submit(name, request, origin);
  }

  /** See {@link ApiServices}. */
  accept(name: string, request: InvokeRequest, origin?: Origin): Promise<string> {
    return this.#parts.asyncInvocations.accept(name, request, origin);
  }

  /** See {@link ApiServices}. */
  poll(id: string): Promise<AsyncResult | undefined> {
    return this.#parts.asyncInvocations.poll(id);
  }

  /** See {@link ApiServices}. */
  create(definition: Definition, book: BookMemory): Promise<void> {
    return this.#parts.functions.create(definition, book);
  }

  /** See {@link ApiServices}. */
  update(definition: Definition, book: BookMemory): Promise<void> {
    return this.#parts.functions.update(definition, book);
  }

  /** See {@link ApiServices}. */
  patch(name: string, changes: unknown, book: BookMemory): Promise<void> {
    return this.#parts.functions.patch(name, changes, book);
  }

  /** See {@link ApiServices}. */
  remove(name: string): Promise<void> {
    return this.#parts.functions.remove(name);
  }

  /** See {@link ApiServices}. */
  functions(): FunctionRecord[] {
    const { catalog } = this.#parts;
    catalog.requireComplete();
    return catalog.list();
  }

  /** See {@link ApiServices}. */
  async prewarm(name: string, count: number, { refresh }: { refresh: boolean }): Promise<number> {
    const { environment, pool } = this.#parts;
    for (;;) {
      const record = this.#find(name);
      await environment.prepare(record, { refresh });
      try {
        return await pool.prewarm(record, count);
      } catch (error) {
        // Updated meanwhile: the new version is meant.
        if (this.#find(name).Version === record.Version) throw error;
      }
    }
  }

  /** See {@link ApiServices}. */
  status(): NodeStatus {
    const { ledger, pool, scheduler, registry, catalog, clock, engine, environment } = this.#parts;
    const { totalMemory, busyMemory, warmMemory, totalCpu, usedCpu } = ledger.balance;
    const counts = pool.count();
    const idle = counts.filter((count) => count.idle > 0);
    const registryHealth = registry.health();
    const code = this.#parts.codeCache.usage;
    return {
      AvailableWarmContainers: Object.fromEntries(idle.map(({ name, idle }) => [name, idle])),
      TotalMemory: totalMemory,
      AvailableMemory: totalMemory - busyMemory,
      FreeMemory: totalMemory - busyMemory - warmMemory,
      TotalCPU: totalCpu,
      UsedCPU: usedCpu,
      Coordinates: this.#coordinates(),
      LoadAvg: Deno.loadavg(),
      LastUpdateTime: Math.floor(clock.wall() / 1000),
      Node: this.node.id,
      Area: this.node.area,
      Architecture: this.node.architecture,
      Version: version,
      UptimeS: Math.floor((clock.now() - this.#startedAt) / 1000),
      Functions: catalog.size,
      Instances: counts.map(({ name, starting, busy, idle }) => ({
        Function: name,
        Starting: starting,
        Busy: busy,
        Idle: idle,
      })),
      QueueLength: scheduler.waiting,
      Running: scheduler.running,
      Problems: this.health().problems,
      Registry: {
        Kind: registry.description,
        Ok: registryHealth.ok,
        ...(registryHealth.ok ? {} : { Problem: registryHealth.reason }),
      },
      Runtimes: [...this.config.runtimes.values()].map(({ id, executor }) => ({
        Runtime: id,
        Ok: isSandboxed(executor) || engine.state === true,
      })),
      Engine: engine.state === true ? { Ok: true } : { Ok: false, Problem: engine.state },
      Pulls: (environment.pulls?.() ?? []).map(({ image, percent, message }) => ({
        Image: image,
        Percent: percent,
        Message: message,
      })),
      MissingImages: this.#parts.stock.unmet.slice(0, maxMissing),
      Spares: { ...environment.spareCounts?.() },
      ...(code && { Code: { Count: code.count, Bytes: code.bytes } }),
    };
  }

  /** See {@link ApiServices}. */
  images(): Promise<ImageView[]> {
    return this.#parts.images.list();
  }

  /** See {@link ApiServices}. */
  pullImages(names: readonly string[], { refresh }: { refresh: boolean }): Promise<PulledImages> {
    return this.#parts.images.pull(names, refresh);
  }

  /** See {@link ApiServices}. */
  pruneImages(options: PruneOptions): Promise<PrunedImages> {
    return this.#parts.images.prune(options);
  }

  /** See {@link ApiServices}. */
  metrics(): string {
    return this.#parts.metrics.registry.render();
  }

  /** See {@link ApiServices}. */
  async logs(name: string, lines: number): Promise<string[]> {
    const { outputLog } = this.#parts;
    this.#find(name);
    return [...await this.#outside(name, lines), ...outputLog.read(name, { last: lines })]
      .sort((a, b) => a.time - b.time)
      .slice(-lines)
      .map(lineText);
  }

  /** See {@link ApiServices}. */
  followLogs(name: string, lines: number, signal: AbortSignal): AsyncGenerator<string[]> {
    this.#find(name);
    if (this.#followers >= maxFollowers) {
      throw new ServerledgeError(
        "NODE_SATURATED",
        `${maxFollowers} clients follow logs of this node already: end one of them`,
      );
    }
    return this.#follow(name, lines, signal);
  }

  async *#follow(name: string, lines: number, signal: AbortSignal): AsyncGenerator<string[]> {
    const { outputLog, scheduler, catalog } = this.#parts;
    this.#followers++;
    try {
      const followed = followOutput(name, lines, {
        log: outputLog,
        outside: () => this.#outside(name, lines),
        goesOn: () => !scheduler.draining && catalog.has(name),
        signal,
      });
      for await (const found of followed) yield found.map(lineText);
    } finally {
      this.#followers--;
    }
  }

  /** What instances wrote that is not in the log yet. */
  async #outside(name: string, lines: number): Promise<WrittenLine[]> {
    // An engine that is away has nothing to tell of its containers.
    const reading = this.#parts.pool.instances(name).map((one) => one.logs(lines).catch(() => []));
    return (await Promise.all(reading)).flat().map((line) => ({ ...line, id: "-" }));
  }

  /** See {@link ApiServices}. */
  health(): { ok: boolean; problems: string[] } {
    const { registry, results, engine, scheduler, cluster, janitor } = this.#parts;
    const health = registry.health();
    const problems: string[] = [];
    if (!health.ok) problems.push(`registry: ${health.reason}`);
    const waiting = results?.waiting ?? 0;
    if (waiting > 0) {
      problems.push(`results: ${waiting} of async invocations can be polled at this node only`);
    }
    if (engine.state !== true) problems.push(`containers: ${engine.state}`);
    problems.push(...janitor.problems(), ...cluster?.problems() ?? []);
    if (scheduler.draining) problems.push("the node is stopping");
    return { ok: !scheduler.draining, problems };
  }

  /** See {@link ApiServices}. */
  policy(): ReturnType<ApiServices["policy"]> {
    const { policy, scheduler } = this.#parts;
    // A policy that learns knows better why it decided so.
    const { estimates, decisions = scheduler.decisions } = policy.explain?.() ?? {};
    return { name: policy.name, estimates, decisions };
  }

  /** See {@link ApiServices}. */
  members(): MemberView[] {
    return this.#parts.cluster?.members() ?? [];
  }

  #coordinates(): NodeStatus["Coordinates"] {
    const place = this.#parts.cluster?.coordinate;
    if (!place) return { Vec: [0, 0, 0], Error: 0, Height: 0 };
    return { Vec: [...place.vector], Error: place.error, Height: place.height };
  }

  #find(name: string): FunctionRecord {
    const record = this.#parts.catalog.get(name);
    if (record) return record;
    throw new ServerledgeError("FUNCTION_UNKNOWN", `There is no function "${name}"`);
  }
}

/** Memory for the bodies of requests, bytes. */
function bodyMemory(config: Config): number {
  const chosen = config["api.bodies.memory"] || config["container.pool.memory"] / 8;
  // Room for two requests of the largest size, or one that brings code and what that unpacks to.
  return Math.max(chosen, 4 * config["api.body.max"], 4 * config["code.max"]) * mib;
}

function lineText({ time, id, text }: WrittenLine): string {
  return `${new Date(time).toISOString()} ${id} ${text}`;
}

/**
 * The nodes behind the balancer with their health, requests in flight and free resources.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Demand } from "../cluster/peers/peer.ts";
import type { Resources } from "../cluster/peers/resource_headers.ts";
import type { NodeRecord } from "../model/node.ts";
import { HashRing } from "./architectures/hash_ring.ts";

/** Failed checks in a row after which the requests in flight on a node fail. */
const maxFailures = 3;

/** Total resources of a node. */
export interface Capacity {
  /** Memory for instances, MiB. */
  readonly totalMemoryMib: number;
  /** CPU for instances, cores. */
  readonly totalCpu: number;
}

/** A request in flight on a node. Disposed when it has ended; a second disposal has no effect. */
export interface ProxiedRequest extends Disposable {
  /** Aborted when the node is lost, so that no client waits indefinitely. */
  readonly lost: AbortSignal;
}

/** One node and its state. */
export class Target {
  readonly #clock: Clock;
  /** Aborts all requests in flight when the node is lost. */
  #requests = new AbortController();
  #inFlight = 0;
  #failures = 0;
  #problem: string | undefined;
  /** Last report of the node, what was sent to it since, and the number of reports. */
  #resources: Resources = { freeMemoryMib: Infinity, freeCpu: Infinity };
  #reserved = { memoryMib: 0, cpu: 0 };
  #reports = 0;
  #reportedAt: number | undefined;
  #capacity: Capacity | undefined;
  #missing: ReadonlySet<string> = new Set();

  /** Creates a node that counts as healthy, because it has just registered. */
  constructor(
    /** Its registration. */
    readonly record: NodeRecord,
    clock: Clock,
    /** Why its registration cannot be trusted; undefined if it can. */
    readonly distrust?: string,
  ) {
    this.#clock = clock;
  }

  /** False while it does not respond or shuts down. */
  get isHealthy(): boolean {
    return this.problem === undefined;
  }

  /** Reason why it is not healthy; undefined if it is. */
  get problem(): string | undefined {
    return this.distrust ?? this.#problem;
  }

  /** Requests of this balancer in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Total resources; undefined without a status. */
  get capacity(): Capacity | undefined {
    return this.#capacity;
  }

  /** Free resources: the last report minus what was sent since. Infinite without a report. */
  get free(): Resources {
    return {
      freeMemoryMib: this.#resources.freeMemoryMib - this.#reserved.memoryMib,
      freeCpu: this.#resources.freeCpu - this.#reserved.cpu,
    };
  }

  /** Age of the last report, ms; undefined without one. */
  get ageMs(): number | undefined {
    return this.#reportedAt === undefined ? undefined : this.#clock.now() - this.#reportedAt;
  }

  /** Share of memory in use, 0 to 1; 0 without a status. */
  get memoryUse(): number {
    if (!this.#capacity || this.#capacity.totalMemoryMib === 0) return 0;
    const use = 1 - this.free.freeMemoryMib / this.#capacity.totalMemoryMib;
    return Math.min(1, Math.max(0, use));
  }

  /** Whether its free resources suffice for a request. */
  fits({ memoryMib, cpu }: Demand): boolean {
    const free = this.free;
    return free.freeMemoryMib >= memoryMib && free.freeCpu >= cpu;
  }

  /** Starts a request. */
  startRequest(demand: Demand): ProxiedRequest {
    const report = this.#reports;
    this.#inFlight++;
    this.#reserve(demand, 1);
    let open = true;
    return {
      lost: this.#requests.signal,
      [Symbol.dispose]: () => {
        if (!open) return;
        open = false;
        this.#inFlight--;
        if (report === this.#reports) this.#reserve(demand, -1);
      },
    };
  }

  /** Updates its resources from a status or response. */
  updateResources(resources: Resources, capacity?: Capacity): void {
    this.#resources = resources;
    this.#capacity = capacity ?? this.#capacity;
    this.#reserved = { memoryMib: 0, cpu: 0 };
    this.#reports++;
    this.#reportedAt = this.#clock.now();
  }

  /**
   * Updates its missing images.
   *
   * @param needs what functions need of images and is missing (`needOf`)
   */
  updateMissingImages(needs: readonly string[]): void {
    this.#missing = new Set(needs);
  }

  /**
   * False if it would have to fetch an image first.
   *
   * @param need as in `needOf`
   */
  hasImage(need: string): boolean {
    return !this.#missing.has(need);
  }

  /** Records a successful health check. */
  checkPassed(): void {
    this.#failures = 0;
    this.#problem = undefined;
  }

  /** Records a failure, after which it receives no requests until a check succeeds. */
  markUnhealthy(problem: string): void {
    this.#problem = problem;
  }

  /** Records a check without a response. After several in a row the requests in flight fail. */
  checkFailed(problem: string): void {
    this.#problem = problem;
    if (++this.#failures === maxFailures) this.abortRequests();
  }

  /** Fails the requests in flight. */
  abortRequests(): void {
    const requests = this.#requests;
    this.#requests = new AbortController();
    requests.abort();
  }

  #reserve({ memoryMib, cpu }: Demand, sign: 1 | -1): void {
    this.#reserved.memoryMib += sign * memoryMib;
    this.#reserved.cpu += sign * cpu;
  }
}

/** The nodes of an area. */
export class TargetTable {
  readonly #area: string;
  readonly #replicas: number;
  readonly #clock: Clock;
  readonly #targets = new Map<string, Target>();
  readonly #distrust: (record: NodeRecord) => string | undefined;
  readonly #onJoin: (target: Target) => void;
  readonly #onLeave: (target: Target) => void;
  #ring: HashRing | undefined;
  #sorted: readonly Target[] | undefined;

  /**
   * Creates an empty table.
   *
   * @param options.area nodes of other areas, and balancers, are ignored
   * @param options.replicas points of each node on the ring
   * @param options.distrust explains why a registration cannot be trusted; undefined if it can
   * @param options.onJoin called for a node that is new or has restarted, and is trusted
   * @param options.onLeave called for one that is gone or has restarted
   */
  constructor(options: {
    area: string;
    replicas: number;
    clock: Clock;
    distrust?: (record: NodeRecord) => string | undefined;
    onJoin?: (target: Target) => void;
    onLeave?: (target: Target) => void;
  }) {
    this.#area = options.area;
    this.#replicas = options.replicas;
    this.#clock = options.clock;
    this.#distrust = options.distrust ?? (() => undefined);
    this.#onJoin = options.onJoin ?? (() => {});
    this.#onLeave = options.onLeave ?? (() => {});
  }

  /** All nodes by id. */
  get all(): readonly Target[] {
    return this.#sorted ??= [...this.#targets.values()]
      .sort((a, b) => a.record.id < b.record.id ? -1 : 1);
  }

  /** The ring of all nodes, healthy or not, so that a node that is down for a while keeps its keys. */
  get ring(): HashRing {
    return this.#ring ??= new HashRing(this.#targets.keys(), this.#replicas);
  }

  /** Returns the node with an id. */
  get(id: string): Target | undefined {
    return this.#targets.get(id);
  }

  /** Replaces all nodes by the registered ones. */
  reset(records: readonly NodeRecord[]): void {
    const ids = new Set(records.map(({ id }) => id));
    for (const id of [...this.#targets.keys()]) if (!ids.has(id)) this.remove(id);
    for (const record of records) this.put(record);
  }

  /** Adds or updates a node. */
  put(record: NodeRecord): void {
    if (record.area !== this.#area || record.role !== "node") return this.remove(record.id);
    const known = this.#targets.get(record.id);
    const isSame = known?.record.incarnation === record.incarnation &&
      known.record.url === record.url && known.record.architecture === record.architecture &&
      known.record.signature === record.signature;
    if (isSame) return;
    const target = new Target(record, this.#clock, this.#distrust(record));
    this.#targets.set(record.id, target);
    this.#invalidate();
    if (known) this.#onLeave(known);
    // Another process: the requests of the former one have ended with it.
    if (known?.record.incarnation !== record.incarnation) known?.abortRequests();
    if (target.distrust === undefined) this.#onJoin(target);
  }

  /** Removes a node. Its requests in flight continue. */
  remove(id: string): void {
    const target = this.#targets.get(id);
    if (!target) return;
    this.#targets.delete(id);
    this.#invalidate();
    this.#onLeave(target);
  }

  #invalidate(): void {
    this.#ring = undefined;
    this.#sorted = undefined;
  }
}

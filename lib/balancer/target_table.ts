/**
 * The nodes that the balancer spreads requests over, and what it knows of each: whether it answers,
 * what it has in flight, what it has free.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Demand } from "../cluster/peers/peer.ts";
import type { Resources } from "../cluster/peers/resource_headers.ts";
import type { NodeRecord } from "../model/node.ts";
import { HashRing } from "./architectures/hash_ring.ts";

/** Failed checks in a row after which requests under way on a node are given up. */
const lostAfterChecks = 3;

/** Resources of a node in all. */
export interface Capacity {
  /** Memory for instances, MiB. */
  readonly totalMemoryMib: number;
  /** CPU for instances, cores. */
  readonly totalCpu: number;
}

/** A request under way on a node. Disposing it, when it has ended, does nothing the second time. */
export interface Passage extends Disposable {
  /** Aborted when the node is lost, so that nobody waits for it for ever. */
  readonly lost: AbortSignal;
}

/** What is known of one node. */
export class Target {
  readonly #clock: Clock;
  /** Given up together when the node is lost. */
  #passages = new AbortController();
  #inFlight = 0;
  #failures = 0;
  #problem: string | undefined;
  /** What it told, what was sent to it since, and a number that changes whenever it tells. */
  #resources: Resources = { freeMemoryMib: Infinity, freeCpu: Infinity };
  #sent = { memoryMib: 0, cpu: 0 };
  #news = 0;
  #heardAt: number | undefined;
  #capacity: Capacity | undefined;
  #missing: ReadonlySet<string> = new Set();

  constructor(
    /** Its registration. */
    readonly record: NodeRecord,
    clock: Clock,
  ) {
    this.#clock = clock;
  }

  /** False while it does not answer, or is stopping. */
  get isHealthy(): boolean {
    return this.#problem === undefined;
  }

  /** Why it is not healthy. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Requests of this balancer under way on it. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Resources in all; undefined until it has told. */
  get capacity(): Capacity | undefined {
    return this.#capacity;
  }

  /** What is free now: what it told last, less what was sent to it since. Infinite until it has told. */
  get free(): Resources {
    return {
      freeMemoryMib: this.#resources.freeMemoryMib - this.#sent.memoryMib,
      freeCpu: this.#resources.freeCpu - this.#sent.cpu,
    };
  }

  /** How long ago it told, ms; undefined if never. */
  get ageMs(): number | undefined {
    return this.#heardAt === undefined ? undefined : this.#clock.now() - this.#heardAt;
  }

  /** Share of memory in use, 0 to 1; 0 until it has told. */
  get memoryUse(): number {
    if (!this.#capacity || this.#capacity.totalMemoryMib === 0) return 0;
    const use = 1 - this.free.freeMemoryMib / this.#capacity.totalMemoryMib;
    return Math.min(1, Math.max(0, use));
  }

  /** Whether it seems to have room for a request. */
  hasRoom({ memoryMib, cpu }: Demand): boolean {
    const free = this.free;
    return free.freeMemoryMib >= memoryMib && free.freeCpu >= cpu;
  }

  /** A request is sent to it. */
  begin(demand: Demand): Passage {
    const news = this.#news;
    this.#inFlight++;
    this.#send(demand, 1);
    let open = true;
    return {
      lost: this.#passages.signal,
      [Symbol.dispose]: () => {
        if (!open) return;
        open = false;
        this.#inFlight--;
        if (news === this.#news) this.#send(demand, -1);
      },
    };
  }

  /** It has told what it has. */
  told(resources: Resources, capacity?: Capacity): void {
    this.#resources = resources;
    this.#capacity = capacity ?? this.#capacity;
    this.#sent = { memoryMib: 0, cpu: 0 };
    this.#news++;
    this.#heardAt = this.#clock.now();
  }

  /**
   * It has told which images it lacks.
   *
   * @param needs what functions need of images (`needOf`) and is not there
   */
  lacks(needs: readonly string[]): void {
    this.#missing = new Set(needs);
  }

  /**
   * False if it would have to fetch an image first.
   *
   * @param need what is needed (`needOf`)
   */
  hasImage(need: string): boolean {
    return !this.#missing.has(need);
  }

  /** It answered that it is well. */
  passed(): void {
    this.#failures = 0;
    this.#problem = undefined;
  }

  /** A request could not be sent to it, broke off, or met it stopping: it gets no more until a check passes. */
  failed(problem: string): void {
    this.#problem = problem;
  }

  /**
   * A check failed. After several in a row the requests under way on it are given up.
   *
   * @param problem why, for people
   */
  failedCheck(problem: string): void {
    this.#problem = problem;
    if (++this.#failures === lostAfterChecks) this.lose();
  }

  /** Gives up the requests under way on it. */
  lose(): void {
    const passages = this.#passages;
    this.#passages = new AbortController();
    passages.abort();
  }

  #send({ memoryMib, cpu }: Demand, sign: 1 | -1): void {
    this.#sent.memoryMib += sign * memoryMib;
    this.#sent.cpu += sign * cpu;
  }
}

/** The nodes of an area. */
export class TargetTable {
  readonly #area: string;
  readonly #replicas: number;
  readonly #clock: Clock;
  readonly #targets = new Map<string, Target>();
  readonly #joined: (target: Target) => void;
  readonly #left: (target: Target) => void;
  #ring: HashRing | undefined;
  #sorted: readonly Target[] | undefined;

  /**
   * @param options.area nodes of other areas, and balancers, are not taken in
   * @param options.replicas points of each node on the ring
   * @param options.joined told of a node that is new, or has started anew
   * @param options.left told of one that is gone, or has started anew
   */
  constructor(options: {
    area: string;
    replicas: number;
    clock: Clock;
    joined?: (target: Target) => void;
    left?: (target: Target) => void;
  }) {
    this.#area = options.area;
    this.#replicas = options.replicas;
    this.#clock = options.clock;
    this.#joined = options.joined ?? (() => {});
    this.#left = options.left ?? (() => {});
  }

  /** All nodes, by id. */
  get all(): readonly Target[] {
    return this.#sorted ??= [...this.#targets.values()]
      .sort((a, b) => a.record.id < b.record.id ? -1 : 1);
  }

  /** The ring of all nodes, healthy or not, so that one that is away for a while keeps its keys. */
  get ring(): HashRing {
    return this.#ring ??= new HashRing(this.#targets.keys(), this.#replicas);
  }

  /** A node by its id. */
  get(id: string): Target | undefined {
    return this.#targets.get(id);
  }

  /** Exactly these nodes are registered. */
  reset(records: readonly NodeRecord[]): void {
    const ids = new Set(records.map(({ id }) => id));
    for (const id of [...this.#targets.keys()]) if (!ids.has(id)) this.remove(id);
    for (const record of records) this.put(record);
  }

  /** A node is registered. */
  put(record: NodeRecord): void {
    if (record.area !== this.#area || record.role !== "node") return this.remove(record.id);
    const known = this.#targets.get(record.id);
    const isSame = known?.record.incarnation === record.incarnation &&
      known.record.url === record.url && known.record.architecture === record.architecture;
    if (isSame) return;
    const target = new Target(record, this.#clock);
    this.#targets.set(record.id, target);
    this.#changed();
    if (known) this.#left(known);
    // Another process: whatever the former one had under way has ended with it.
    if (known?.record.incarnation !== record.incarnation) known?.lose();
    this.#joined(target);
  }

  /** A node is no longer registered. What it has under way goes on. */
  remove(id: string): void {
    const target = this.#targets.get(id);
    if (!target) return;
    this.#targets.delete(id);
    this.#changed();
    this.#left(target);
  }

  #changed(): void {
    this.#ring = undefined;
    this.#sorted = undefined;
  }
}

/**
 * Simulated node: the scheduler, wait queue, pool and ledger of a real one, with a simulated environment
 * and simulated peers.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { Deadlines } from "../../base/deadlines.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { Forwarded } from "../../cluster/peers/peers.ts";
import type { InvocationResult, InvokeRequest } from "../../model/invocation.ts";
import type { Coordinate, NodeRecord } from "../../model/node.ts";
import { QosClasses } from "../../model/qos.ts";
import { settings } from "../../config/settings.ts";
import type { Policy } from "../../policy/contract.ts";
import { Janitor } from "../../pool/keep_alive/janitor.ts";
import { fixedKeepAlive } from "../../pool/keep_alive/keep_alive.ts";
import { ResourceLedger } from "../../pool/resource_ledger.ts";
import { Pool } from "../../pool/pool.ts";
import { localStatus } from "../../scheduler/local_status.ts";
import { Planner } from "../../scheduler/planner.ts";
import { Scheduler } from "../../scheduler/scheduler.ts";
import { SimEnvironment, type SimEnvironmentOptions, type Work } from "./environment.ts";
import type { SimFunctions } from "./functions.ts";
import { SimPeers, type SimPeersOptions } from "./peers.ts";
import type { AcceptedRequest, Reachable } from "./reachable.ts";
import type { NodeModel, Scenario } from "./scenario/model.ts";

/** Interval of the janitor, ms: the default of nodes. */
const janitorMs = 30_000;
/** Timeout of executions, ms: the default of nodes. */
const timeoutMs = 60_000;

/** Dependencies of a node. */
export interface SimNodeOptions {
  readonly model: NodeModel;
  readonly scenario: Scenario;
  /** The simulation's clock. */
  readonly clock: Clock;
  readonly functions: SimFunctions;
  /** Its policy; disposed with the node. */
  readonly policy: Policy;
  readonly peers: Pick<SimPeersOptions, "random" | "network" | "reach">;
  readonly environment: Pick<SimEnvironmentOptions, "random" | "executed">;
  /** Distinguishes restarts of the node. */
  readonly incarnation: number;
}

/** A running node. After a crash a new object takes its place. */
export class SimNode implements Reachable, Disposable {
  readonly record: NodeRecord;
  /** The other nodes. */
  readonly peers: SimPeers;
  /** Its policy, disposed with the node. */
  readonly policy: Policy;
  readonly #environment: SimEnvironment;
  readonly #ledger: ResourceLedger;
  readonly #pool: Pool;
  readonly #scheduler: Scheduler;
  readonly #owned = new DisposableStack();
  /** Reject the requests in flight. */
  readonly #open = new Set<(error: ServerledgeError) => void>();
  #alive = true;

  /** Creates a node that knows no peers, and starts its periodic tasks. */
  constructor(options: SimNodeOptions) {
    const { model, scenario, clock, functions, policy } = options;
    const { id, area } = model;
    this.policy = policy;
    this.record = recordOf(model, options.incarnation);
    this.#owned.defer(() => policy[Symbol.dispose]?.());
    const { executed } = options.environment;
    this.#environment = new SimEnvironment({
      clock,
      functions,
      speed: model.speed,
      random: options.environment.random,
      executed: (record, work, ms) => {
        if (this.#alive) executed(record, work, ms);
      },
    });
    this.#ledger = new ResourceLedger({ memoryMib: model.memoryMib, cpu: model.cpus });
    this.#pool = new Pool({
      ledger: this.#ledger,
      clock,
      environment: () => this.#environment,
      parallelStarts: model.starts,
    });
    this.peers = this.#owned.use(
      new SimPeers({
        ...options.peers,
        id,
        area,
        remoteArea: scenario.cloud,
        clock,
        receivedStatus: () => this.#alive && this.#scheduler.onPeerStatus(),
        overheadMs: scenario.overheadMs,
        statusMs: scenario.statusMs,
      }),
    );
    this.#scheduler = new Scheduler({
      node: { id, area },
      clock,
      deadlines: this.#owned.use(new Deadlines(clock)),
      policy,
      pool: this.#pool,
      ledger: this.#ledger,
      peers: this.peers,
      classes: new QosClasses(scenario.classes),
      maxHops: scenario.hops,
      find: (name) => functions.find(name),
      supports: () => true,
      keepsLargeIntegers: () => true,
      queueCapacity: model.queue,
      defaultTimeoutMs: timeoutMs,
      observer: { completed: () => {} },
    });
    this.#startPeriodicTasks(options);
  }

  #startPeriodicTasks({ model, scenario, clock, policy }: SimNodeOptions): void {
    const { "plan.interval": planS = settings["policy.plan.interval"].value } = scenario.settings;
    this.#owned.use(
      new Planner({
        policy,
        clock,
        intervalMs: Number(planS) * 1000,
        statistics: (seconds) => ({
          arrivals: this.#scheduler.arrivals(seconds),
          memoryMib: this.#ledger.balance.totalMemory,
          ...this.peers.summary(),
        }),
      }),
    );
    this.#owned.use(
      new Janitor({
        pool: this.#pool,
        clock,
        intervalMs: janitorMs,
        keepAlive: fixedKeepAlive(model.idleMs),
      }),
    );
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Sets the factor of execution times. */
  slow(factor: number): void {
    this.#environment.slowness = factor;
  }

  /**
   * Submits a client's request.
   *
   * @returns its result
   */
  submit(name: string, request: InvokeRequest, inputSize: number): Promise<InvocationResult> {
    return this.#orCrash(this.#scheduler.submit(name, request, { inputSize }).done);
  }

  take(
    { id, record, request, hopsLeft, visited, budgetMs, originArea }: Forwarded,
  ): AcceptedRequest {
    const { bytes } = request.params as Work;
    const invocation = this.#scheduler.submit(
      record.name,
      { ...request, canOffload: hopsLeft > 0 },
      { hop: { id, hopsLeft, visited, budgetMs, originArea }, inputSize: bytes },
    );
    return { done: this.#orCrash(invocation.done), cancel: () => invocation.cancel() };
  }

  resources(): ReturnType<Reachable["resources"]> {
    const { availableMemory: freeMemoryMib, freeCpu } = this.#ledger;
    return { freeMemoryMib, freeCpu };
  }

  status(): ReturnType<Reachable["status"]> {
    return {
      ...localStatus(this.#ledger, this.#pool, this.#scheduler),
      coordinate: this.coordinate,
    };
  }

  /** Its network coordinate. */
  get coordinate(): Coordinate {
    return this.peers.coordinate;
  }

  /** Crashes the node; its requests in flight fail. */
  crash(): void {
    this.#alive = false;
    const error = new ServerledgeError("FUNCTION_CRASHED", "The connection to the node broke");
    for (const breakOff of this.#open) breakOff(error);
    this[Symbol.dispose]();
  }

  /** Stops the periodic tasks. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  #orCrash(done: Promise<InvocationResult>): Promise<InvocationResult> {
    const { promise, resolve, reject } = Promise.withResolvers<InvocationResult>();
    this.#open.add(reject);
    const settle = (end: () => void) => {
      if (this.#open.delete(reject)) end();
    };
    done.then(
      (report) => settle(() => resolve(report)),
      (error) => settle(() => reject(error)),
    );
    return promise;
  }
}

function recordOf({ id, area }: NodeModel, incarnation: number): NodeRecord {
  return {
    id,
    area,
    role: "node",
    url: `http://${id}`,
    udp: "127.0.0.1:1",
    architecture: "amd64",
    incarnation: String(incarnation),
  };
}

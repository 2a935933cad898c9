/**
 * The balancer of a simulated area: a real one's table and router, with requests that travel by the
 * simulation's clock. Who offloads to the area sees one way into it, and a request that one of its
 * nodes refuses goes to the next at once instead of all the way back first.
 *
 * @module
 */

import { asServerledgeError, ServerledgeError } from "../../base/errors.ts";
import type { Clock } from "../../base/clock.ts";
import { maxAttempts } from "../../balancer/proxy.ts";
import { type Choice, Router } from "../../balancer/router.ts";
import { TargetTable } from "../../balancer/target_table.ts";
import type { Forwarded } from "../../cluster/peers/peers.ts";
import type { InvocationResult } from "../../model/invocation.ts";
import type { NodeRecord } from "../../model/node.ts";
import { settings } from "../../config/settings.ts";
import { carry } from "./carry.ts";
import type { Network } from "./network.ts";
import type { Reachable, Taken } from "./reachable.ts";

/** Points of each node on the ring. */
const replicas = settings["lb.replicas"].value;
/** Most load of a node as a multiple of the mean. */
const loadFactor = settings["lb.load.factor"].value;
/** Time between two looks at what nodes have free, ms. */
const refreshMs = settings["lb.refresh_interval"].value * 1000;

/** What a balancer works with. */
export interface SimBalancerOptions {
  /** The area whose nodes it stands before. */
  readonly area: string;
  /** The simulation's clock. */
  readonly clock: Clock;
  /** The links. */
  readonly network: Network;
  /** Finds who is registered by an id now. */
  readonly reach: (id: string) => Reachable | undefined;
}

/**
 * A balancer. It needs no health checks: a node that fails is out with the first request that does
 * not reach it, and comes back under a registration of its own.
 */
export class SimBalancer implements Reachable, Disposable {
  /** See {@link Reachable}. */
  readonly record: NodeRecord;
  /** See {@link Reachable}. No scenario has one fail. */
  readonly alive = true;
  readonly #options: SimBalancerOptions;
  readonly #table: TargetTable;
  readonly #router: Router;
  #cancelRefresh: () => void = () => {};

  /** A balancer that knows no node yet. */
  constructor(options: SimBalancerOptions) {
    const { area, clock } = options;
    this.#options = options;
    this.record = {
      id: `balancer-of-${area}`,
      area,
      role: "balancer",
      url: `http://balancer-of-${area}`,
      udp: "",
      architecture: "amd64",
      incarnation: "0",
    };
    this.#table = new TargetTable({ area, replicas, clock });
    this.#router = new Router(this.#table, loadFactor);
  }

  /**
   * Takes over who is registered, and begins to ask what they have free.
   *
   * @param records all nodes; those of other areas are left out
   */
  join(records: readonly NodeRecord[]): void {
    this.#table.reset(records);
    this.#refresh();
  }

  /** A node has registered anew. */
  joined(record: NodeRecord): void {
    this.#table.put(record);
  }

  /** Asks nobody any more. */
  [Symbol.dispose](): void {
    this.#cancelRefresh();
  }

  /** See {@link Reachable}. */
  resources(): undefined {}

  /** See {@link Reachable}. */
  news(): undefined {}

  /** See {@link Reachable}. */
  take(forwarded: Forwarded): Taken {
    const abort = new AbortController();
    return { done: this.#forward(forwarded, abort.signal), cancel: () => abort.abort() };
  }

  async #forward(forwarded: Forwarded, signal: AbortSignal): Promise<InvocationResult> {
    const { record, visited } = forwarded;
    const tried = new Set(visited);
    let refusal = new ServerledgeError("NO_SUITABLE_NODE", "No node of the area can take it now");
    for (let attempt = 0; attempt < maxAttempts && !signal.aborted; attempt++) {
      const choice = this.#router.forFunction(record.name, record, tried);
      if (!choice) break;
      tried.add(choice.target.record.id);
      try {
        return await this.#send(forwarded, choice, signal);
      } catch (error) {
        refusal = asServerledgeError(error);
        if (!refusal.elsewhere) break;
      }
    }
    throw refusal;
  }

  async #send(
    forwarded: Forwarded,
    { target, demand }: Choice,
    signal: AbortSignal,
  ): Promise<InvocationResult> {
    const { area, clock, network, reach } = this.#options;
    using _passage = target.begin(demand);
    return await carry(reach(target.record.id), forwarded, {
      clock,
      network,
      link: network.kind(area, area),
      overheadMs: 0,
      signal,
      told: (resources) => target.told(resources),
      unreachable: () => target.failed("it accepts no connection"),
    });
  }

  #refresh(): void {
    const { clock, reach } = this.#options;
    for (const target of this.#table.all) {
      const resources = reach(target.record.id)?.resources();
      if (resources) target.told(resources);
    }
    this.#cancelRefresh = clock.after(refreshMs, () => this.#refresh());
  }
}

/**
 * Simulated balancer of an area: the target table and router of a real one, with requests transferred by
 * the simulated clock. The area has a single entry for offloading nodes, and a request that one of its
 * nodes refuses goes to the next one directly.
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
import { transfer } from "./transfer.ts";
import type { Network } from "./network.ts";
import type { AcceptedRequest, Reachable } from "./reachable.ts";

/** Points per node on the hash ring. */
const replicas = settings["lb.replicas"].value;
/** Maximum load of a node as a multiple of the mean. */
const loadFactor = settings["lb.load.factor"].value;
/** Interval between updates of the nodes' resources, ms. */
const refreshMs = settings["lb.refresh_interval"].value * 1000;

/** Dependencies of a balancer. */
export interface SimBalancerOptions {
  readonly area: string;
  /** The simulation's clock. */
  readonly clock: Clock;
  readonly network: Network;
  /** Finds the node with an id. */
  readonly reach: (id: string) => Reachable | undefined;
}

/**
 * Simulated balancer. It needs no health checks: a failed node is removed with the first request that does
 * not reach it, and returns with a new registration.
 */
export class SimBalancer implements Reachable, Disposable {
  readonly record: NodeRecord;
  /** Always true: scenarios have no failures of balancers. */
  readonly alive = true;
  readonly #options: SimBalancerOptions;
  readonly #table: TargetTable;
  readonly #router: Router;
  #cancelRefresh: () => void = () => {};

  /** Creates a balancer that knows no node; {@link SimBalancer.join} registers them. */
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
   * Registers nodes and starts the updates of their resources.
   *
   * @param records all nodes; those of other areas are ignored
   */
  join(records: readonly NodeRecord[]): void {
    this.#table.reset(records);
    this.#refresh();
  }

  /** Registers a restarted node. */
  joined(record: NodeRecord): void {
    this.#table.put(record);
  }

  /** Stops the updates. */
  [Symbol.dispose](): void {
    this.#cancelRefresh();
  }

  resources(): undefined {}

  status(): undefined {}

  take(forwarded: Forwarded): AcceptedRequest {
    const abort = new AbortController();
    return { done: this.#forward(forwarded, abort.signal), cancel: () => abort.abort() };
  }

  async #forward(forwarded: Forwarded, signal: AbortSignal): Promise<InvocationResult> {
    const { record, visited } = forwarded;
    const tried = new Set(visited);
    let refusal = new ServerledgeError(
      "NO_SUITABLE_NODE",
      "No node of the area can accept the request now",
    );
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
    using _proxied = target.startRequest(demand);
    return await transfer(reach(target.record.id), forwarded, {
      clock,
      network,
      link: network.kind(area, area),
      overheadMs: 0,
      signal,
      receivedResources: (resources) => target.updateResources(resources),
      unreachable: () => target.markUnhealthy("it does not accept connections"),
    });
  }

  #refresh(): void {
    const { clock, reach } = this.#options;
    for (const target of this.#table.all) {
      const resources = reach(target.record.id)?.resources();
      if (resources) target.updateResources(resources);
    }
    this.#cancelRefresh = clock.after(refreshMs, () => this.#refresh());
  }
}

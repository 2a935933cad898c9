/**
 * The randomized policy of Russo Russo et al. (QoS-aware offloading policies for serverless
 * functions in the edge-cloud continuum, FGCS 2024): each request's place is drawn from
 * probabilities of its function and class, and a linear program plans these again and again.
 *
 * @module
 */

import type {
  Decision,
  NodeView,
  PeerView,
  Policy,
  PolicyContext,
  RequestFacts,
  Statistics,
} from "../../lib/policy/contract.ts";
import {
  awaitsImage,
  canRun,
  findCloud,
  findPeer,
  full,
  offload,
  run,
  unsuitable,
  waitOrReject,
} from "../decisions.ts";
import { bandwidthSettings, numberSetting } from "../settings.ts";
import { Allowance } from "./allowance.ts";
import { adaptShare } from "./capacity.ts";
import { type Demand, demandsOf } from "./demand.ts";
import type { LinearSolver } from "./linear_program.ts";
import { buildProgram, cloudCost, sharesAt } from "./model.ts";
import { draw, initialShares, renormalize, type Shares } from "./shares.ts";
import { WorkerSolver } from "./solver.ts";

/** Draws places, and plans the odds. */
export class Probabilistic implements Policy {
  /** See {@link Policy}. */
  readonly name = "probabilistic";
  readonly #random: () => number;
  readonly #solver: LinearSolver;
  readonly #bandwidths: ReturnType<typeof bandwidthSettings>;
  readonly #cost: number;
  readonly #budgetPerHour: number;
  readonly #allowance: Allowance;
  #shares: ReadonlyMap<string, Shares> = new Map();
  /** Share of the node's memory that plans count on. */
  #memoryShare = 1;
  #planning = false;

  /**
   * A policy without a plan.
   *
   * @param context what policies are made with
   * @param solver solves the plan's linear program; disposed with the policy
   */
  constructor(context: PolicyContext, solver: LinearSolver) {
    this.#random = context.random;
    this.#solver = solver;
    this.#bandwidths = bandwidthSettings(context);
    this.#cost = numberSetting(context, "cost", { fallback: 0.01, min: 0, max: 1e9 });
    const range = { fallback: Infinity, min: 0, max: 1e12 };
    this.#budgetPerHour = numberSetting(context, "budget", range);
    this.#allowance = new Allowance(this.#budgetPerHour, context.now);
  }

  /** See {@link Policy}. */
  decide(request: RequestFacts, view: NodeView): Decision {
    const peer = findPeer(request, view);
    const cloud = this.#affordable(request, view);
    // What waits was meant for this node: drawing again and again would refuse it in the end.
    if (request.waited) return this.#here(request, view, peer, cloud);
    const planned = this.#shares.get(keyOf(request)) ?? initialShares;
    const possible = {
      local: view.supported,
      edge: peer !== undefined,
      cloud: cloud !== undefined,
    };
    const place = draw(renormalize(planned, possible), this.#random());
    if (place === "edge") return offload(peer!);
    if (place === "cloud") return this.#toCloud(request, view, cloud!);
    if (place === "local") return this.#here(request, view, peer, cloud);
    return view.supported || peer || cloud ? full : unsuitable;
  }

  /** See {@link Policy}. The former plan stays where the solver fails; one plan at a time. */
  async plan(statistics: Statistics): Promise<void> {
    this.#memoryShare = adaptShare(this.#memoryShare, statistics.arrivals);
    const demands = demandsOf(statistics, this.#bandwidths);
    if (demands.length === 0 || this.#planning) return;
    this.#planning = true;
    try {
      await this.#replan(demands, statistics);
    } finally {
      this.#planning = false;
    }
  }

  async #replan(demands: readonly Demand[], statistics: Statistics): Promise<void> {
    const solution = await this.#solver.solve(buildProgram(demands, {
      localMemoryMib: this.#memoryShare * statistics.memoryMib,
      peerMemoryMib: statistics.peerMemoryMib,
      cost: this.#cost,
      budgetPerHour: this.#budgetPerHour,
    }));
    this.#shares = new Map(
      demands.map((demand, index) => [keyOf(demand), sharesAt(solution, index)]),
    );
  }

  /** Ends the solver. */
  [Symbol.dispose](): void {
    this.#solver[Symbol.dispose]();
  }

  /**
   * The planned probabilities of a function and class, undefined where there are none.
   *
   * @param of which function and class
   */
  planned(of: Pick<RequestFacts, "functionName" | "qosClass">): Shares | undefined {
    return this.#shares.get(keyOf(of));
  }

  /** This node was drawn; without room: a neighbour, the cloud, a place in the line. */
  #here(
    request: RequestFacts,
    view: NodeView,
    peer: PeerView | undefined,
    cloud: PeerView | undefined,
  ): Decision {
    const unstocked = awaitsImage(view);
    if (canRun(view) && !(unstocked && peer && !peer.imageMissing)) return run;
    if (peer) return offload(peer, unstocked);
    if (cloud) return this.#toCloud(request, view, cloud);
    return waitOrReject(request, view);
  }

  #affordable(request: RequestFacts, view: NodeView): PeerView | undefined {
    const cloud = findCloud(request, view);
    return cloud && this.#allowance.covers(this.#costOf(request, view)) ? cloud : undefined;
  }

  #toCloud(request: RequestFacts, view: NodeView, cloud: PeerView): Decision {
    this.#allowance.spend(this.#costOf(request, view));
    return offload(cloud);
  }

  /** Cost of this request in the cloud, by what is known of its duration there, or else here. */
  #costOf({ memoryMib }: RequestFacts, { remote, local }: NodeView): number {
    if (this.#cost === 0 || this.#budgetPerHour === Infinity) return 0;
    const { executionMs } = Number.isNaN(remote.executionMs) ? local : remote;
    return Number.isNaN(executionMs) ? 0 : cloudCost(executionMs / 1000, memoryMib, this.#cost);
  }
}

/**
 * Makes the policy with its solver, which starts with the first plan. It heeds `policy.budget`,
 * `policy.cost` and `policy.bandwidth.*`.
 *
 * @param context what policies are made with
 */
export function probabilistic(context: PolicyContext): Policy {
  return new Probabilistic(context, new WorkerSolver());
}

/** Function names hold no slash. */
function keyOf(of: Pick<RequestFacts, "functionName" | "qosClass">): string {
  return `${of.functionName}/${of.qosClass.id}`;
}

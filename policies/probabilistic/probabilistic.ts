/**
 * The randomized policy of Russo Russo et al. (QoS-aware offloading policies for serverless
 * functions in the edge-cloud continuum, FGCS 2024): the place of each request is drawn from
 * probabilities per function and class, which a linear program plans periodically.
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

/** Draws places by planned probabilities. */
export class Probabilistic implements Policy {
  /** Name in `scheduler.policy`. */
  readonly name = "probabilistic";
  readonly #random: () => number;
  readonly #solver: LinearSolver;
  readonly #bandwidths: ReturnType<typeof bandwidthSettings>;
  readonly #cost: number;
  readonly #budgetPerHour: number;
  readonly #allowance: Allowance;
  #shares: ReadonlyMap<string, Shares> = new Map();
  /** Share of the node's memory that plans may use. */
  #memoryShare = 1;
  #planning = false;

  /**
   * Creates a policy without a plan.
   *
   * @param context clock, randomness and settings
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

  /** Draws the place of a new request; places that are impossible now are left out. */
  decide(request: RequestFacts, view: NodeView): Decision {
    const peer = findPeer(request, view);
    const cloud = this.#affordable(request, view);
    // Waiting requests were assigned to this node: drawing repeatedly would reject them in the end.
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

  /** Makes a new plan unless one is being made; the former plan stays if the solver fails. */
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

  /** Stops the solver. */
  [Symbol.dispose](): void {
    this.#solver[Symbol.dispose]();
  }

  /** Returns the planned probabilities of a function and class, undefined if there are none. */
  planned(of: Pick<RequestFacts, "functionName" | "qosClass">): Shares | undefined {
    return this.#shares.get(keyOf(of));
  }

  /** Runs the request here; without room offloads it to a peer or the cloud, or lets it wait. */
  #here(
    request: RequestFacts,
    view: NodeView,
    peer: PeerView | undefined,
    cloud: PeerView | undefined,
  ): Decision {
    const lacksImage = awaitsImage(view);
    if (canRun(view) && !(lacksImage && peer && !peer.imageMissing)) return run;
    if (peer) return offload(peer, lacksImage);
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

  /** Cost of the request in the cloud, by its estimated duration there, or else here. */
  #costOf({ memoryMib }: RequestFacts, { remote, local }: NodeView): number {
    if (this.#cost === 0 || this.#budgetPerHour === Infinity) return 0;
    const { executionMs } = Number.isNaN(remote.executionMs) ? local : remote;
    return Number.isNaN(executionMs) ? 0 : cloudCost(executionMs / 1000, memoryMib, this.#cost);
  }
}

/**
 * Creates the policy and its solver, which starts with the first plan. It reads `policy.budget`,
 * `policy.cost` and `policy.bandwidth.*`.
 *
 * @param context clock, randomness and settings
 */
export function probabilistic(context: PolicyContext): Policy {
  return new Probabilistic(context, new WorkerSolver());
}

/** Key of a function and class; names of functions contain no slash. */
function keyOf(of: Pick<RequestFacts, "functionName" | "qosClass">): string {
  return `${of.functionName}/${of.qosClass.id}`;
}

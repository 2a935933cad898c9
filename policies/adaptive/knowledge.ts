/**
 * All estimates of the policy: `observations.ts` updates them, `valuation.ts` reads them.
 *
 * @module
 */

import { ShadowPrices } from "./shadow_prices.ts";
import { Delays } from "./delays.ts";
import { Executions } from "./executions.ts";
import { BoundedMap } from "./fading.ts";
import { BudgetPrice } from "./budget_price.ts";
import { CompletionConstraints } from "./completion.ts";
import { PeerModel } from "./peer_model.ts";

/** Maximum number of peers tracked. */
const maxPeers = 1000;

/** Estimates of the policy. */
export class Knowledge {
  /** Execution times. */
  readonly executions: Executions = new Executions();
  /** Models of other nodes, by id. */
  readonly peerModels: BoundedMap<string, PeerModel> = new BoundedMap(
    () => new PeerModel(),
    maxPeers,
  );
  /** Delays of local executions without a warm instance, by function. */
  readonly localStarts: BoundedMap<string, Delays> = new BoundedMap(() => new Delays());
  /** Delays in the local wait queue, by function. */
  readonly localWaits: BoundedMap<string, Delays> = new BoundedMap(() => new Delays());
  /** Delays of remote executions with a cold start, by function. */
  readonly remoteStarts: BoundedMap<string, Delays> = new BoundedMap(() => new Delays());
  /** Shadow prices of memory and warm instances. */
  readonly shadowPrices: ShadowPrices = new ShadowPrices();
  /** Completion constraints of the classes. */
  readonly completion: CompletionConstraints = new CompletionConstraints();
  /** Dual price of the budget for the cloud. */
  readonly budgetPrice: BudgetPrice;
  /** Cost of one GiB for one second in the cloud. */
  readonly cost: number;

  /**
   * Creates estimates without observations.
   *
   * @param cost cost of one GiB for one second in the cloud
   * @param budgetPerHour budget for the cloud per hour; infinite if unlimited
   * @param now monotonic time, ms
   */
  constructor(cost: number, budgetPerHour: number, now: number) {
    this.cost = cost;
    this.budgetPrice = new BudgetPrice(budgetPerHour, now);
  }

  /**
   * Cost of an execution in the cloud.
   *
   * @param ms duration
   * @param memoryMib memory of the instance
   */
  cloudCost(ms: number, memoryMib: number): number {
    return this.cost * ms / 1000 * memoryMib / 1024;
  }
}

/**
 * Model of a peer: network cost, waits, acceptance and cold-start probabilities, warm instances, and the
 * bias of its predictions.
 *
 * @module
 */

import { Delays } from "./delays.ts";
import { BoundedMap, FadingMean } from "./fading.ts";
import { WarmInstanceModel } from "./warm_instances.ts";
import { NetworkCost } from "./network_cost.ts";

/** Effective numbers of samples. */
const memory = { acceptance: 8, cold: 12, success: 20 };
/** Half-lives of samples, ms, so that a peer that was bad is tried again. */
const halfLifeMs = { acceptance: 4000, success: 15_000 };
/** Prior probability that a node accepts a request, by whether it reports free memory. */
const acceptancePrior = { room: 0.95, none: 0.4 };
/** Prior probability of a cold start, by whether a warm instance is expected. */
const coldPrior = { warm: 0.08, unknown: 0.85 };
/** Weights of the priors, in samples. */
const priorWeight = { acceptance: 1, cold: 2, success: 4 };

/** Share of cold starts, by whether a warm instance was expected. */
interface Starts {
  readonly warm: FadingMean;
  readonly unknown: FadingMean;
}

/** Estimates about one peer. */
export class PeerModel {
  /** Time on the network. */
  readonly networkCost: NetworkCost = new NetworkCost();
  /** Delays of executions without a cold start, ms, by class. */
  readonly waits: BoundedMap<string, Delays> = new BoundedMap(() => new Delays(), 100);
  /** Model of the warm instances on the peer. */
  readonly instances: WarmInstanceModel = new WarmInstanceModel();
  readonly #starts = new BoundedMap<string, Starts>(
    () => ({ warm: new FadingMean(memory.cold), unknown: new FadingMean(memory.cold) }),
    1000,
  );
  readonly #acceptances = new BoundedMap<string, FadingMean>(
    () => new FadingMean(memory.acceptance, halfLifeMs.acceptance),
    1000,
  );
  /** Responses in time, and their predicted probability. */
  readonly #successes = new FadingMean(memory.success, halfLifeMs.success);
  readonly #expected = new FadingMean(memory.success, halfLifeMs.success);

  /**
   * Records an execution.
   *
   * @param expectedWarm whether a warm instance was expected
   * @param cold probability that an instance was started, 0 to 1
   * @param now monotonic time, ms
   */
  recordServed(fn: string, expectedWarm: boolean, cold: number, now: number): void {
    const starts = this.#starts.of(fn);
    (expectedWarm ? starts.warm : starts.unknown).add(cold, now);
  }

  /** Probability of a cold start. */
  coldShare(fn: string, expectedWarm: boolean, now: number): number {
    const starts = this.#starts.of(fn);
    const [mean, prior] = expectedWarm
      ? [starts.warm, coldPrior.warm]
      : [starts.unknown, coldPrior.unknown];
    return mean.value(prior, priorWeight.cold, now);
  }

  /** Records whether the peer accepted a request of a class. */
  recordAcceptance(qosClass: string, accepted: boolean, now: number): void {
    this.#acceptances.of(qosClass).add(accepted ? 1 : 0, now);
  }

  /** Probability that the peer accepts a request of a class. */
  acceptance(qosClass: string, hasRoom: boolean, now: number): number {
    const prior = hasRoom ? acceptancePrior.room : acceptancePrior.none;
    return this.#acceptances.of(qosClass).value(prior, priorWeight.acceptance, now);
  }

  /** Yields the acceptance probabilities by class, given free memory. */
  *acceptances(now: number): Generator<{ class: string; probability: number }> {
    for (const [qosClass] of this.#acceptances.entries) {
      yield { class: qosClass, probability: this.acceptance(qosClass, true, now) };
    }
  }

  /** Yields the cold-start probabilities by function. */
  *coldShares(
    now: number,
  ): Generator<{ function: string; warmExpected: number; otherwise: number }> {
    for (const [fn] of this.#starts.entries) {
      yield {
        function: fn,
        warmExpected: this.coldShare(fn, true, now),
        otherwise: this.coldShare(fn, false, now),
      };
    }
  }

  /** Records whether an accepted request was in time, and its predicted probability. */
  recordOutcome(inTime: boolean, expected: number, now: number): void {
    this.#successes.add(inTime ? 1 : 0, now);
    this.#expected.add(expected, now);
  }

  /** Factor that corrects predicted probabilities of a response in time. */
  correction(now: number): number {
    const successes = this.#successes.value(0.7, priorWeight.success, now);
    const expected = this.#expected.value(0.7, priorWeight.success, now);
    return Math.min(1, successes / Math.max(1e-6, expected));
  }
}

/**
 * Chooses the architecture for a request if several are possible.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { Arm, Bandit, Pull } from "./bandit.ts";
import { LinUcb } from "./lin_ucb.ts";
import { Ucb1 } from "./ucb1.ts";

/** Most functions that are remembered; the least recently used are dropped. */
const maxFunctions = 10_000;

/** Keys of the configuration that control the choice. */
export type ArchitectureSettings = Pick<
  Config,
  "lb.mode" | "mab.policy" | "mab.ucb1.c" | "mab.linucb.alpha" | "mab.linucb.lambda"
>;

/** State of one function. */
interface FunctionState {
  readonly bandit: Bandit | undefined;
  /** Architecture of the last request, for round robin. */
  last: string;
}

/** Chooses an architecture for each request. */
export class ArchitectureChooser {
  readonly #settings: ArchitectureSettings;
  readonly #random: () => number;
  readonly #maxFunctions: number;
  readonly #functions = new Map<string, FunctionState>();

  /**
   * Creates a chooser without observations.
   *
   * @param random uniform in [0, 1)
   * @param limit most functions to remember
   */
  constructor(
    settings: ArchitectureSettings,
    random: () => number,
    limit: number = maxFunctions,
  ) {
    this.#settings = settings;
    this.#random = random;
    this.#maxFunctions = limit;
  }

  /** Number of functions with observations. */
  get size(): number {
    return this.#functions.size;
  }

  /**
   * Chooses an architecture.
   *
   * @param arms architectures that can run the function; at least one
   * @returns the choice, whose methods report the outcome
   */
  choose(functionName: string, arms: readonly Arm[]): Pull {
    const memory = this.#stateOf(functionName);
    if (memory.bandit) return memory.bandit.pull(arms);
    const at = this.#settings["lb.mode"] === "random"
      ? Math.floor(this.#random() * arms.length)
      : (arms.findIndex(({ name }) => name === memory.last) + 1) % arms.length;
    memory.last = arms[at]!.name;
    return { arm: memory.last, reward: () => {}, forget: () => {} };
  }

  /** Forgets a function that was deleted or replaced. */
  forget(functionName: string): void {
    this.#functions.delete(functionName);
  }

  #stateOf(name: string): FunctionState {
    const memory = this.#functions.get(name) ?? { bandit: this.#bandit(), last: "" };
    // Insertion order is the order of use.
    this.#functions.delete(name);
    this.#functions.set(name, memory);
    if (this.#functions.size > this.#maxFunctions) {
      this.#functions.delete(this.#functions.keys().next().value!);
    }
    return memory;
  }

  #bandit(): Bandit | undefined {
    const settings = this.#settings;
    if (settings["lb.mode"] !== "MAB") return undefined;
    return settings["mab.policy"] === "UCB1"
      ? new Ucb1(settings["mab.ucb1.c"])
      : new LinUcb(settings["mab.linucb.alpha"], settings["mab.linucb.lambda"]);
  }
}

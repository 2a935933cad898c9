/**
 * Which architecture a request should go to, where several would do.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { Arm, Bandit, Pull } from "./bandit.ts";
import { LinUcb } from "./lin_ucb.ts";
import { Ucb1 } from "./ucb1.ts";

/** Most functions that something is known of; of more, those used longest ago are forgotten. */
const maxFunctions = 10_000;

/** How architectures are chosen; keys of the configuration of the same names. */
export type ArchitectureSettings = Pick<
  Config,
  "lb.mode" | "mab.policy" | "mab.ucb1.c" | "mab.linucb.alpha" | "mab.linucb.lambda"
>;

/** What is remembered of one function. */
interface Memory {
  readonly bandit: Bandit | undefined;
  /** Architecture of the last request, by turns. */
  last: string;
}

/** Chooses an architecture for each request. */
export class ArchitectureChooser {
  readonly #settings: ArchitectureSettings;
  readonly #random: () => number;
  readonly #maxFunctions: number;
  readonly #functions = new Map<string, Memory>();

  /**
   * @param settings how to choose
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

  /** How many functions something is known of. */
  get size(): number {
    return this.#functions.size;
  }

  /**
   * Chooses.
   *
   * @param functionName whose request it is
   * @param arms architectures that can take it; at least one
   * @returns its methods tell what came of it; they do nothing where nothing is learnt
   */
  choose(functionName: string, arms: readonly Arm[]): Pull {
    const memory = this.#remember(functionName);
    if (memory.bandit) return memory.bandit.pull(arms);
    const at = this.#settings["lb.mode"] === "random"
      ? Math.floor(this.#random() * arms.length)
      : (arms.findIndex(({ name }) => name === memory.last) + 1) % arms.length;
    memory.last = arms[at]!.name;
    return { arm: memory.last, reward: () => {}, forget: () => {} };
  }

  /**
   * Forgets a function.
   *
   * @param functionName one that was deleted, or is another now
   */
  forget(functionName: string): void {
    this.#functions.delete(functionName);
  }

  #remember(name: string): Memory {
    const memory = this.#functions.get(name) ?? { bandit: this.#bandit(), last: "" };
    // The order of insertion is that of use.
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

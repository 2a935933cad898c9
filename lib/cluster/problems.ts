/**
 * What is wrong between this node and one other, in words. It comes from datagrams that cannot be
 * believed, so that it decides nothing: people are to see it.
 *
 * @module
 */

import { logger } from "../base/log.ts";

/** What may be wrong, each mended on its own. */
export type ProblemKind = "version" | "secret" | "clock" | "refused";

/** The problems with one peer; each kind is told in the log once. */
export class PeerProblems {
  readonly #id: string;
  readonly #current = new Map<ProblemKind, string>();
  readonly #told = new Set<ProblemKind>();

  /**
   * None yet.
   *
   * @param id the peer's
   */
  constructor(id: string) {
    this.#id = id;
  }

  /** All there are now; empty if there are none. */
  get text(): string {
    return [...this.#current.values()].join("; ");
  }

  /** Takes note of one, in words that follow upon the peer's name. */
  note(kind: ProblemKind, problem: string): void {
    this.#current.set(kind, problem);
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    logger("cluster").warn("Node {id} and this one do not understand each other: {problem}", {
      id: this.#id,
      problem,
    });
  }

  /** There is nothing of these kinds any more. */
  mended(...kinds: readonly ProblemKind[]): void {
    for (const kind of kinds) this.#current.delete(kind);
  }
}

/**
 * Mismatches between this node and a peer, in words. Most come from datagrams that cannot be
 * trusted, so they influence no decision and are only displayed.
 *
 * @module
 */

import { logger } from "../../base/log.ts";

/** Kinds of mismatches, each resolved on its own. */
export type MismatchKind = "registration" | "version" | "secret" | "clock" | "rejected";

/** The mismatches with one peer; each kind is logged once. */
export class PeerMismatches {
  readonly #id: string;
  readonly #current = new Map<MismatchKind, string>();
  readonly #logged = new Set<MismatchKind>();

  /**
   * Creates a record without mismatches.
   *
   * @param id the peer's, for the log
   */
  constructor(id: string) {
    this.#id = id;
  }

  /** Descriptions of the current mismatches; empty if there are none. */
  get text(): string {
    return [...this.#current.values()].join("; ");
  }

  /** Sets a mismatch, described in words that follow the peer's name. */
  add(kind: MismatchKind, problem: string): void {
    this.#current.set(kind, problem);
    if (this.#logged.has(kind)) return;
    this.#logged.add(kind);
    logger("cluster").warn("Node {id} and this node do not match: {problem}", {
      id: this.#id,
      problem,
    });
  }

  /** Clears mismatches of the given kinds. */
  clear(...kinds: readonly MismatchKind[]): void {
    for (const kind of kinds) this.#current.delete(kind);
  }
}

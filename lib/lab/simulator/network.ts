/**
 * Simulated network.
 *
 * @module
 */

import type { LinkModel, Scenario } from "./scenario/model.ts";

/** Kind of link: within an area, or to the cloud. */
export type LinkKind = "edge" | "cloud";

/** Current state of one kind of link. */
interface Link {
  latencyMs: number;
  bandwidth: number;
}

/** Links between nodes. */
export class Network {
  readonly #models: Readonly<Record<LinkKind, LinkModel>>;
  readonly #links: Record<LinkKind, Link>;

  /** Creates the links of a scenario. */
  constructor({ edge, toCloud }: Pick<Scenario, "edge" | "toCloud">) {
    this.#models = { edge, cloud: toCloud };
    this.#links = { edge: { ...edge }, cloud: { ...toCloud } };
  }

  /** Returns the kind of link between two areas. */
  kind(fromArea: string, toArea: string): LinkKind {
    return fromArea === toArea ? "edge" : "cloud";
  }

  /**
   * Returns the delay of a message, ms.
   *
   * @param bytes size of the message
   */
  delayMs(kind: LinkKind, bytes = 0): number {
    const { latencyMs, bandwidth } = this.#links[kind];
    return latencyMs + bytes * 8 / (bandwidth * 1000);
  }

  /**
   * Scales the links of a kind against the scenario.
   *
   * @param latency factor of the latency
   * @param bandwidth factor of the bandwidth
   */
  change(kind: LinkKind, latency: number, bandwidth: number): void {
    const model = this.#models[kind];
    this.#links[kind] = {
      latencyMs: model.latencyMs * latency,
      bandwidth: model.bandwidth * bandwidth,
    };
  }
}

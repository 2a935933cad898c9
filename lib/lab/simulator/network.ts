/**
 * The network of a simulation: how long messages between nodes take.
 *
 * @module
 */

import type { LinkModel, Scenario } from "./scenario/model.ts";

/** Two kinds of links: within an area, and to the cloud. */
export type LinkKind = "edge" | "cloud";

/** One kind of links as it is now. */
interface Link {
  latencyMs: number;
  bandwidth: number;
}

/** All links. */
export class Network {
  readonly #models: Readonly<Record<LinkKind, LinkModel>>;
  readonly #links: Record<LinkKind, Link>;

  /** Links as the scenario has them. */
  constructor({ edge, toCloud }: Pick<Scenario, "edge" | "toCloud">) {
    this.#models = { edge, cloud: toCloud };
    this.#links = { edge: { ...edge }, cloud: { ...toCloud } };
  }

  /** The kind of link between two areas. */
  kind(fromArea: string, toArea: string): LinkKind {
    return fromArea === toArea ? "edge" : "cloud";
  }

  /**
   * Time of a message on its way, ms.
   *
   * @param kind which link
   * @param bytes its size; 0: too small to matter
   */
  delayMs(kind: LinkKind, bytes = 0): number {
    const { latencyMs, bandwidth } = this.#links[kind];
    return latencyMs + bytes * 8 / (bandwidth * 1000);
  }

  /**
   * Links of a kind change, as factors of what the scenario says.
   *
   * @param latency of the latency
   * @param bandwidth of the bandwidth
   */
  change(kind: LinkKind, latency: number, bandwidth: number): void {
    const model = this.#models[kind];
    this.#links[kind] = {
      latencyMs: model.latencyMs * latency,
      bandwidth: model.bandwidth * bandwidth,
    };
  }
}

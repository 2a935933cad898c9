/**
 * The networks of a node's containers, made when first needed. On both, functions cannot reach
 * each other.
 *
 * @module
 */

import { SharedTasks } from "../../base/async.ts";
import { logger } from "../../base/log.ts";
import type { Engine } from "./engine.ts";
import { nodeLabel } from "./names.ts";

const log = logger("runtime");

/** `outbound`: a way out. `isolated`: no way out, reached from the host only. */
export type NetworkKind = "outbound" | "isolated";

/** Makes and removes the networks of one node. */
export class Networks implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #nodeId: string;
  readonly #made = new Set<NetworkKind>();
  readonly #tasks = new SharedTasks<void>();

  /**
   * No network is made yet.
   *
   * @param engine where they will be
   * @param nodeId whose they are
   */
  constructor(engine: Engine, nodeId: string) {
    this.#engine = engine;
    this.#nodeId = nodeId;
  }

  /**
   * Makes sure that a network is there.
   *
   * @param kind which one
   * @returns its name
   */
  async ensure(kind: NetworkKind): Promise<string> {
    const name = this.#name(kind);
    if (!this.#made.has(kind)) {
      await this.#tasks.run(kind, async () => {
        if (!await this.#find(name)) await this.#create(kind, name);
        this.#made.add(kind);
      });
    }
    return name;
  }

  /** Looks again at the next use, because the engine said that a network is gone. */
  forget(): void {
    this.#made.clear();
  }

  /** Removes those that nothing uses. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#made].map(async (kind) => {
      const name = this.#name(kind);
      await this.#engine
        .ask(`remove network ${name}`, (docker) => docker.getNetwork(name).remove())
        .catch((error) => log.debug("{error}", { error: error.message }));
    }));
  }

  #name(kind: NetworkKind): string {
    return `serverledge-${this.#nodeId}-${kind}`;
  }

  async #find(name: string): Promise<boolean> {
    const filters = { name: [name] };
    const found = await this.#engine.ask(
      `look for network ${name}`,
      (docker) => docker.listNetworks({ filters }),
    );
    // The filter finds parts of names too.
    return found.some((network) => network.Name === name);
  }

  async #create(kind: NetworkKind, name: string): Promise<void> {
    await this.#engine.ask(`create network ${name}`, (docker) =>
      docker.createNetwork({
        Name: name,
        Driver: "bridge",
        CheckDuplicate: true,
        Internal: kind === "isolated",
        Options: { "com.docker.network.bridge.enable_icc": "false" },
        Labels: { [nodeLabel]: this.#nodeId },
      }));
  }
}

/**
 * The network of those of a node's containers that have a way out, made when first needed. On it,
 * functions cannot reach each other; they do reach what listens on the node's machine.
 *
 * @module
 */

import { SharedTasks } from "../../base/async.ts";
import { logger } from "../../base/log.ts";
import type { Engine } from "./engine/engine.ts";
import { nodeLabel } from "./names.ts";

const log = logger("runtime");

/** Makes and removes the network of one node. */
export class Networks implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #nodeId: string;
  readonly #name: string;
  readonly #tasks = new SharedTasks<void>();
  #made = false;

  /**
   * No network is made yet.
   *
   * @param engine where it will be
   * @param nodeId whose it is
   */
  constructor(engine: Engine, nodeId: string) {
    this.#engine = engine;
    this.#nodeId = nodeId;
    this.#name = `serverledge-${nodeId}-outbound`;
  }

  /**
   * Makes sure that it is there.
   *
   * @returns its name
   */
  async ensure(): Promise<string> {
    if (!this.#made) {
      await this.#tasks.run(this.#name, async () => {
        if (!await this.#find()) await this.#create();
        this.#made = true;
      });
    }
    return this.#name;
  }

  /** Looks again at the next use, because the engine said that it is gone. */
  forget(): void {
    this.#made = false;
  }

  /** Removes it if nothing uses it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#made) return;
    await this.#engine
      .ask(`remove network ${this.#name}`, (docker) => docker.getNetwork(this.#name).remove())
      .catch((error) => log.debug("{error}", { error: error.message }));
  }

  async #find(): Promise<boolean> {
    const filters = { name: [this.#name] };
    const found = await this.#engine.ask(
      `look for network ${this.#name}`,
      (docker) => docker.listNetworks({ filters }),
    );
    // The filter finds parts of names too.
    return found.some((network) => network.Name === this.#name);
  }

  async #create(): Promise<void> {
    await this.#engine.ask(`create network ${this.#name}`, (docker) =>
      docker.createNetwork({
        Name: this.#name,
        Driver: "bridge",
        CheckDuplicate: true,
        Options: { "com.docker.network.bridge.enable_icc": "false" },
        Labels: { [nodeLabel]: this.#nodeId },
      }));
  }
}

/**
 * Network of a node's containers with outbound access, created at its first use. On this network,
 * functions cannot reach each other, but they can reach servers that listen on the node's machine.
 *
 * @module
 */

import { SharedTasks } from "../../base/async.ts";
import { logger } from "../../base/log.ts";
import type { Engine } from "./engine/engine.ts";
import { nodeLabel } from "./names.ts";

const log = logger("runtime");

/** Outbound network of one node. */
export class OutboundNetwork implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #nodeId: string;
  readonly #name: string;
  readonly #tasks = new SharedTasks<void>();
  #made = false;

  /**
   * Names the network without creating it.
   *
   * @param nodeId part of the network's name
   */
  constructor(engine: Engine, nodeId: string) {
    this.#engine = engine;
    this.#nodeId = nodeId;
    this.#name = `serverledge-${nodeId}-outbound`;
  }

  /**
   * Creates the network if it does not exist.
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

  /** Makes the next use check again whether the network exists, because the engine reported it missing. */
  forget(): void {
    this.#made = false;
  }

  /** Removes the network if nothing uses it. */
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
    // The filter also matches parts of names.
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

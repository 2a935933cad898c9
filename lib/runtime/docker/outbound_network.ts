/**
 * Network of a node's containers with outbound access, created at its first use. On this network,
 * functions reach other machines, but neither each other nor, behind a {@link Fence}, their own machine.
 *
 * @module
 */

import { Semaphore } from "../../base/async.ts";
import { logger } from "../../base/log.ts";
import type { Container } from "./container/container.ts";
import { type Engine, engineStatus } from "./engine/engine.ts";
import type { ExecutorMounts } from "./executor_mounts.ts";
import { Fence } from "./fence/fence.ts";
import { machineResolvers } from "./fence/resolvers.ts";
import type { ServicePort } from "./fence/table.ts";
import { nodeLabel } from "./names.ts";

/** Option of the engine: name of the network's interface on the machine. */
const deviceOption = "com.docker.network.bridge.name";
/** Number of hexadecimal digits in the name of the interface, which Linux limits to 15 characters. */
const deviceDigits = 12;

const log = logger("runtime");

/** Dependencies of an outbound network. */
export interface OutboundOptions {
  /** The Docker engine. */
  readonly engine: Engine;
  /** Node that owns the network; part of its name. */
  readonly nodeId: string;
  /** Creates the folder of the fence's container. */
  readonly mounts: ExecutorMounts;
  /** False if containers may reach all of this machine. */
  readonly fenced: boolean;
  /** Ports of this machine that containers may reach. */
  readonly ports: readonly ServicePort[];
  /** Returns the addresses of the machine's name servers; for tests. */
  readonly resolvers?: () => Promise<string[]>;
}

/** Outbound network of one node. */
export class OutboundNetwork implements AsyncDisposable {
  readonly #options: OutboundOptions;
  readonly #name: string;
  /** Held while network or fence are changed. */
  readonly #turns = new Semaphore(1);
  readonly #fences = new Map<string, Container>();
  #fence: Fence | undefined;
  #made = false;
  #isLeft = false;

  /** Names the network without creating it. */
  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#name = `serverledge-${options.nodeId}-outbound`;
  }

  /**
   * Creates the network and its fence if they do not exist.
   *
   * @returns the network's name
   * @throws `INSTANCE_START_FAILED` if there must be a fence and there can be none
   */
  async ensure(): Promise<string> {
    if (this.#isReady()) return this.#name;
    using _turn = await this.#turns.acquire();
    if (this.#isReady()) return this.#name;
    if (!this.#made) await this.#make();
    if (this.#options.fenced && !this.#fence) await this.#enclose();
    return this.#name;
  }

  /** Makes the next use check again whether the network exists, because the engine reported it missing. */
  forget(): void {
    this.#made = false;
  }

  /** True for a container of the fence. */
  owns(container: string): boolean {
    return this.#fences.has(container);
  }

  /** Removes a network and a fence that an earlier process left behind, unless this process uses them. */
  async sweep(): Promise<void> {
    using _turn = await this.#turns.acquire();
    if (this.#isUsed() || !await this.#find()) return;
    // The fence's container has been removed, but not its table. Only a new fence can remove it.
    await this.#enclose().catch((error) => log.debug("{error}", { error: error.message }));
    await this.#remove();
  }

  /** Leaves network and fence to another process of the node, which uses them. */
  leave(): void {
    this.#isLeft = true;
  }

  /** Removes network and fence, unless containers still use them. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isLeft) return;
    using _turn = await this.#turns.acquire();
    if (this.#isUsed()) await this.#remove();
  }

  #isUsed(): boolean {
    return this.#made || this.#fence !== undefined;
  }

  #isReady(): boolean {
    return this.#made && (this.#fence !== undefined || !this.#options.fenced);
  }

  /** Removes the network last: as long as it exists, a sweep looks for its fence. */
  async #remove(): Promise<void> {
    const fence = this.#fence;
    this.#fence = undefined;
    this.#made = false;
    if (await this.#mayHaveContainers()) {
      log.warn("{network} and its fence stay: containers use them", { network: this.#name });
      return await fence?.leave();
    }
    await fence?.[Symbol.asyncDispose]();
    await this.#options.engine
      .ask(`remove network ${this.#name}`, (docker) => docker.getNetwork(this.#name).remove())
      .catch((error) => log.warn("{error}", { error: error.message }));
  }

  /** Returns false if no container is on the network, true if there are some or the engine does not say. */
  async #mayHaveContainers(): Promise<boolean> {
    try {
      const { Containers } = await this.#options.engine.ask(
        `inspect network ${this.#name}`,
        (docker) => docker.getNetwork(this.#name).inspect(),
      );
      return Object.keys(Containers ?? {}).length > 0;
    } catch (error) {
      return engineStatus(error) !== 404;
    }
  }

  async #enclose(): Promise<void> {
    const { engine, nodeId, mounts, ports, resolvers = machineResolvers } = this.#options;
    const device = await this.#device();
    const fence = await Fence.start({ engine, nodeId, mounts, known: this.#fences }, {
      table: `serverledge-${device}`,
      device,
      resolvers: await resolvers(),
      ports,
    });
    this.#fence = fence;
    void fence.ended.then(() => this.#renew(fence));
  }

  /** Starts a fence in place of one that has ended by itself. Its table still protects the machine. */
  async #renew(ended: Fence): Promise<void> {
    using _turn = await this.#turns.acquire();
    if (this.#fence !== ended) return;
    this.#fence = undefined;
    await ended[Symbol.asyncDispose]();
    log.warn("The container that guards the fence of {network} has terminated; starting another", {
      network: this.#name,
    });
    await this.#enclose().catch((error) => log.error("{error}", { error: error.message }));
  }

  async #make(): Promise<void> {
    const device = await this.#device();
    const found = await this.#find();
    if (found && found.Options?.[deviceOption] !== device) await this.#remove();
    else if (found) return void (this.#made = true);
    await this.#create(device);
    this.#made = true;
    if (this.#options.fenced) return;
    log.warn('Functions with Network "bridge" can reach this machine (container.fence is none)');
  }

  async #device(): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(this.#name));
    return `slf${new Uint8Array(digest).toHex().slice(0, deviceDigits)}`;
  }

  async #find() {
    const filters = { name: [this.#name] };
    const found = await this.#options.engine.ask(
      `inspect network ${this.#name}`,
      (docker) => docker.listNetworks({ filters }),
    );
    // The filter also matches parts of names.
    return found.find((network) => network.Name === this.#name);
  }

  async #create(device: string): Promise<void> {
    await this.#options.engine.ask(
      `create network ${this.#name}`,
      (docker) =>
        docker.createNetwork({
          Name: this.#name,
          Driver: "bridge",
          CheckDuplicate: true,
          EnableIPv6: false,
          Options: { "com.docker.network.bridge.enable_icc": "false", [deviceOption]: device },
          Labels: { [nodeLabel]: this.#options.nodeId },
        }),
    );
  }
}

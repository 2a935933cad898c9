/**
 * What the starts of all instances of a node share.
 *
 * @module
 */

import type { ExecutorChannel } from "../channel.ts";
import type { Container } from "./container.ts";
import type { ContainerLimits } from "./container_options.ts";
import type { Engine } from "./engine.ts";
import type { Holders } from "./holders.ts";
import type { Networks } from "./networks.ts";

/** Where instances of a node are started, and with what. */
export interface Site {
  /** The Docker engine. */
  readonly engine: Engine;
  /** Limits that hold for every container. */
  readonly limits: ContainerLimits;
  /** Area of the node, told to functions. */
  readonly area: string;
  /** The containers of this process by name: not swept, and removed with the environment. */
  readonly known: Map<string, Container>;
  /** Namespaces of functions with no network. */
  readonly holders: Holders;
  /** Networks of the others. */
  readonly networks: Networks;
  /** Where executors connect to. */
  readonly channel: ExecutorChannel;
  /** Folder of the host with the executors and the channel's socket. */
  readonly guest: string;
}

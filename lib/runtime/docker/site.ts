/**
 * What the starts of all instances of a node share.
 *
 * @module
 */

import type { OutputSink } from "../wire/call_output.ts";
import type { Container } from "./container/container.ts";
import type { ContainerLimits } from "./container/options.ts";
import type { DiskWatch } from "./custom/disk_watch.ts";
import type { Engine } from "./engine/engine.ts";
import type { Guest } from "./guest.ts";
import type { Holders } from "./pause/holders.ts";
import type { Networks } from "./networks.ts";
import type { Relays } from "./custom/relays.ts";

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
  /** Network of the others. */
  readonly networks: Networks;
  /** Namespaces of custom images. */
  readonly relays: Relays;
  /** Ends custom images that write too much to their own files. */
  readonly disk: DiskWatch;
  /** Makes the folders by which containers and the node talk. */
  readonly guest: Guest;
  /** Keeps what functions write. */
  readonly output: OutputSink;
}

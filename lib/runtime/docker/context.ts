/**
 * Dependencies that all starts of a node share.
 *
 * @module
 */

import type { OutputSink } from "../wire/call_output.ts";
import type { ResultMemory } from "../wire/result_memory.ts";
import type { ContainerLimits } from "./container/options.ts";
import type { DiskMonitor } from "./custom/disk_monitor.ts";
import type { Namespaces } from "./pause/namespaces.ts";
import type { RelayContext } from "./custom/relay.ts";
import type { Relays } from "./custom/relays.ts";
import type { ContainerSecrets } from "./secret_mounts.ts";

/** Dependencies of the starts of instances. */
export interface DockerContext extends RelayContext {
  /** Limits of every container. */
  readonly limits: ContainerLimits;
  /** Area of the node, passed to functions. */
  readonly area: string;
  /** Namespaces of functions without network. */
  readonly namespaces: Namespaces;
  /** Namespaces of custom images. */
  readonly relays: Relays;
  /** Ends instances of custom images that write too much. */
  readonly disk: DiskMonitor;
  /** Memory for results. */
  readonly results: ResultMemory;
  readonly secrets: ContainerSecrets;
  /** Receives the output of functions. */
  readonly output: OutputSink;
}

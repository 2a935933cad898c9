/**
 * What the starts of all instances of a node share.
 *
 * @module
 */

import type { OutputSink } from "../wire/call_output.ts";
import type { ResultRoom } from "../wire/result_room.ts";
import type { ContainerLimits } from "./container/options.ts";
import type { DiskWatch } from "./custom/disk_watch.ts";
import type { Namespaces } from "./pause/namespaces.ts";
import type { RelayContext } from "./custom/relay.ts";
import type { Relays } from "./custom/relays.ts";

/** Where instances of a node are started, and with what. */
export interface DockerContext extends RelayContext {
  /** Limits that hold for every container. */
  readonly limits: ContainerLimits;
  /** Area of the node, told to functions. */
  readonly area: string;
  /** Namespaces of functions with no network. */
  readonly namespaces: Namespaces;
  /** Namespaces of custom images. */
  readonly relays: Relays;
  /** Ends custom images that write too much to their own files. */
  readonly disk: DiskWatch;
  /** What results may take. */
  readonly results: ResultRoom;
  /** Keeps what functions write. */
  readonly output: OutputSink;
}

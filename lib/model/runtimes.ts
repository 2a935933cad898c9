/**
 * Runtimes of a node: their ids, which functions name, and their kinds.
 *
 * @module
 */

import type { Kind } from "../runtime/kinds/kind.ts";
import { type ExecutorKind, hasGenericInstances, kinds } from "../runtime/kinds/kinds.ts";

/** A runtime of a node. */
export interface Runtime {
  /** Id that functions name, e.g. `python`. */
  readonly id: string;
  readonly executor: ExecutorKind;
  /**
   * Image of its containers; empty for `custom`, whose functions name their own images, and for
   * sandboxes, which have none.
   */
  readonly image: string;
  /** Number of generic instances that are kept ready; only some executors support them. */
  readonly generic: number;
}

const all = Object.entries(kinds) as [ExecutorKind, Kind][];

/** One runtime of each kind, with defaults that the configuration may change. */
export const defaultRuntimes: readonly Runtime[] = all.map(([executor, kind]) => ({
  id: kind.runtime,
  executor,
  image: kind.place === "container" ? kind.image : "",
  generic: hasGenericInstances(executor) ? 1 : 0,
}));

/** Aliases of runtimes whose images contain libraries; an alias is unknown without a configured image. */
export const imageAliases: readonly string[] = all.flatMap(([, kind]) => kind.imageAliases ?? []);

/** Runtimes by the names that the Go prototype and its scripts use. */
export const runtimeAliases: Readonly<Record<string, string>> = Object.fromEntries(
  all.flatMap(([, { runtime, aliases = [], imageAliases = [] }]) =>
    [...aliases, ...imageAliases].map((alias) => [alias, runtime])
  ),
);

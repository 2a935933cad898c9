/**
 * Runtimes of a node: what functions name, and of which kind each is.
 *
 * @module
 */

import type { Kind } from "../runtime/kinds/kind.ts";
import { type ExecutorKind, hasGenericInstances, kinds } from "../runtime/kinds/kinds.ts";

/** One runtime of a node. */
export interface Runtime {
  /** The id that functions name, e.g. `python`. */
  readonly id: string;
  readonly executor: ExecutorKind;
  /**
   * Image of its containers; empty for `custom`, where each function names its own, and for
   * sandboxes, which have none.
   */
  readonly image: string;
  /** Instances that are kept ready for no function yet; only our executors have such. */
  readonly generic: number;
}

const all = Object.entries(kinds) as [ExecutorKind, Kind][];

/** One runtime of each kind, as it is where the configuration says nothing else. */
export const defaultRuntimes: readonly Runtime[] = all.map(([executor, kind]) => ({
  id: kind.runtime,
  executor,
  image: kind.place === "container" ? kind.image : "",
  generic: hasGenericInstances(executor) ? 1 : 0,
}));

/** Aliases of runtimes whose image has more than the language: they mean nothing without an image. */
export const imageAliases: readonly string[] = all.flatMap(([, kind]) => kind.imageAliases ?? []);

/** Names that the Go prototype and its scripts use, and what they stand for here. */
export const runtimeAliases: Readonly<Record<string, string>> = Object.fromEntries(
  all.flatMap(([, { runtime, aliases = [], imageAliases = [] }]) =>
    [...aliases, ...imageAliases].map((alias) => [alias, runtime])
  ),
);

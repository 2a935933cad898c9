/**
 * Runtimes: what a function may be written in, and how its instances are talked to.
 *
 * @module
 */

/** How an instance of a runtime is talked to: one of our injected executors, or the HTTP protocol. */
export type ExecutorKind = "python" | "nodejs" | "http";

/** One runtime of a node. */
export interface Runtime {
  /** The id that functions name, e.g. `python`. */
  readonly id: string;
  /** The program that runs in its containers. */
  readonly executor: ExecutorKind;
  /** Image of its containers; empty for `custom`, where each function names its own. */
  readonly image: string;
}

/** Images of the built-in runtimes where the configuration names no other. */
export const defaultRuntimes: readonly Runtime[] = [
  { id: "python", executor: "python", image: "python:3-slim" },
  { id: "nodejs", executor: "nodejs", image: "node:22-slim" },
  { id: "custom", executor: "http", image: "" },
];

/** Names that the Go prototype and its scripts use, and what they stand for here. */
export const runtimeAliases: Readonly<Record<string, string>> = {
  python314: "python",
  python312ml: "python",
  python310: "python",
  python38: "python",
  nodejs17ng: "nodejs",
  nodejs17: "nodejs",
};

/**
 * Runtimes: what a function may be written in, and how its instances are talked to.
 *
 * @module
 */

/** Programs of ours that are injected into containers. */
export type ContainerExecutor = "python" | "nodejs";

/** What runs in sandbox processes of our own program: no container, no image. */
export const sandboxExecutors = ["deno", "wasm"] as const;

/** See {@link sandboxExecutors}. */
export type SandboxExecutor = (typeof sandboxExecutors)[number];

/**
 * How an instance of a runtime is run and talked to: one of our injected executors, the HTTP
 * protocol of custom images, or a sandbox.
 */
export type ExecutorKind = ContainerExecutor | "http" | SandboxExecutor;

/** One runtime of a node. */
export interface Runtime {
  /** The id that functions name, e.g. `python`. */
  readonly id: string;
  /** The program that runs in its containers. */
  readonly executor: ExecutorKind;
  /**
   * Image of its containers; empty for `custom`, where each function names its own, and for
   * sandboxes, which have none.
   */
  readonly image: string;
  /** Instances that are kept ready for no function yet; only our executors have such. */
  readonly spares: number;
}

/** Images of the built-in runtimes where the configuration names no other. */
export const defaultRuntimes: readonly Runtime[] = [
  { id: "python", executor: "python", image: "python:3-slim", spares: 1 },
  { id: "nodejs", executor: "nodejs", image: "node:22-slim", spares: 1 },
  { id: "custom", executor: "http", image: "", spares: 0 },
  { id: "deno", executor: "deno", image: "", spares: 0 },
  { id: "wasm", executor: "wasm", image: "", spares: 0 },
];

/**
 * Whether an executor runs in a sandbox process, and so needs no image.
 *
 * @param executor of a runtime
 */
export function isSandboxed(executor: ExecutorKind): executor is SandboxExecutor {
  return sandboxExecutors.some((kind) => kind === executor);
}

/** Names that the Go prototype and its scripts use, and what they stand for here. */
export const runtimeAliases: Readonly<Record<string, string>> = {
  python314: "python",
  python312ml: "python",
  python310: "python",
  python38: "python",
  nodejs17ng: "nodejs",
  nodejs17: "nodejs",
};

/** Aliases of runtimes whose image has more than the language: they mean nothing without an image. */
export const imageAliases: readonly string[] = ["python312ml"];

/**
 * Whether functions get integers beyond 2^53 as they were sent. JavaScript reads numbers as doubles and
 * would change them.
 *
 * @param executor of a runtime
 */
export function keepsLargeIntegers(executor: ExecutorKind): boolean {
  return executor !== "nodejs" && executor !== "deno";
}

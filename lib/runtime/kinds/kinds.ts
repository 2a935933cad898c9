/**
 * All kinds of runtimes, by their names in `runtimes.<id>.executor`.
 *
 * @module
 */

import { binary } from "./binary.ts";
import { custom } from "./custom.ts";
import { deno } from "./deno.ts";
import type { Kind } from "./kind.ts";
import { nodejs } from "./nodejs.ts";
import { python } from "./python.ts";
import { wasm } from "./wasm.ts";

/** Table of all kinds. */
export const kinds = { python, nodejs, http: custom, deno, wasm, binary } as const;

/** Name of a kind, which determines how an instance of a runtime is run and called. */
export type ExecutorKind = keyof typeof kinds;

type At<Place extends Kind["place"]> = {
  [K in ExecutorKind]: (typeof kinds)[K]["place"] extends Place ? K : never;
}[ExecutorKind];

/** Kinds whose instances are containers with an executor program. */
export type ContainerExecutor = At<"container">;

/** Kinds whose instances are processes of the node's own program, without container and image. */
export type SandboxExecutor = At<"sandbox">;

/** Names of all kinds. */
export const executorKinds = Object.keys(kinds) as ExecutorKind[];

/** Returns the kind of a name. */
export function kindOf(executor: ExecutorKind): Kind {
  return kinds[executor];
}

/** Tells whether a kind runs in a sandbox process, and so needs no image. */
export function isSandboxed(executor: ExecutorKind): executor is SandboxExecutor {
  return kindOf(executor).place === "sandbox";
}

/** Tells whether a kind has generic containers. */
export function hasGenericInstances(executor: ExecutorKind): executor is ContainerExecutor {
  return genericOf(kindOf(executor)) !== undefined;
}

/** Lists runtime ids for help texts: `python, nodejs, ...`. */
export function runtimeIds(which: (kind: Kind) => boolean = () => true): string {
  return Object.values<Kind>(kinds).filter(which).map(({ runtime }) => runtime).join(", ");
}

/** Describes the handlers of functions for help texts. */
export function handlerHelp(): string {
  const forms = Map.groupBy(
    Object.values<Kind>(kinds).filter(({ handler }) => handler),
    ({ handler }) => handler!.forms,
  );
  const parts = [...forms].map(([form, of]) =>
    `${form} (${of.map(({ runtime }) => runtime).join(", ")})`
  );
  return `Handler: ${parts.join(", ")}`;
}

function genericOf(kind: Kind) {
  return kind.place === "container" ? kind.generic : undefined;
}

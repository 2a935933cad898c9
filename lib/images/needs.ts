/**
 * Which images a node needs: those of its runtimes, and those of functions that bring their own.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { Runtime } from "../model/runtimes.ts";

/** An image with all that needs it. */
export interface ImageNeed {
  /** Ids of runtimes whose containers are made of it. */
  readonly runtimes: string[];
  /** Names of functions whose instances are made of it. */
  readonly functions: string[];
}

/** What of a function decides on its image. */
export type Imaged = Pick<FunctionRecord, "runtime" | "customImage">;

/**
 * The image of a function's instances.
 *
 * @returns empty if it needs none
 */
export function imageOf(fn: Imaged, runtime: Runtime): string {
  return runtime.executor === "http" && fn.customImage ? fn.customImage : runtime.image;
}

/**
 * The configuration key that names the image of a runtime's containers, for advice.
 *
 * @returns empty where functions name their own
 */
export function imageKey(runtime: Runtime): string {
  return runtime.executor === "http" ? "" : `runtimes.${runtime.id}.image`;
}

/**
 * What a function needs of images, by a name that is the same on all nodes: which image a runtime's
 * containers are made of is each node's own matter.
 */
export function needOf({ runtime, customImage }: Imaged): string {
  return customImage ? `${runtime} ${customImage}` : runtime;
}

/**
 * The images that are needed.
 *
 * @param functions all that may run there
 * @param find the runtime that a function's `Runtime` means
 * @param named the one form of an image's name, so that names that mean the same are one
 */
export function imageNeeds(
  runtimes: Iterable<Runtime>,
  functions: Iterable<FunctionRecord>,
  find: (id: string) => Runtime | undefined,
  named: (image: string) => string,
): Map<string, ImageNeed> {
  const needs = new Map<string, ImageNeed>();
  const of = (image: string): ImageNeed => {
    const name = named(image);
    let need = needs.get(name);
    if (!need) needs.set(name, need = { runtimes: [], functions: [] });
    return need;
  };
  for (const runtime of runtimes) if (runtime.image) of(runtime.image).runtimes.push(runtime.id);
  for (const fn of functions) {
    const runtime = find(fn.runtime);
    const image = runtime && imageOf(fn, runtime);
    if (image) of(image).functions.push(fn.name);
  }
  return needs;
}

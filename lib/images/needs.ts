/**
 * Images required by a node's runtimes and by functions with custom images.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { Runtime } from "../model/runtimes.ts";

/** An image and what requires it. */
export interface ImageNeed {
  /** Ids of runtimes that use it. */
  readonly runtimes: string[];
  readonly functions: string[];
}

/** Fields of a function that determine its image. */
export type Imaged = Pick<FunctionRecord, "runtime" | "customImage">;

/**
 * Returns the image of a function's instances.
 *
 * @returns empty if it requires none
 */
export function imageOf(fn: Imaged, runtime: Runtime): string {
  return runtime.executor === "http" && fn.customImage ? fn.customImage : runtime.image;
}

/**
 * Returns the configuration key of a runtime's image, for error messages.
 *
 * @returns empty for custom images
 */
export function imageKey(runtime: Runtime): string {
  return runtime.executor === "http" ? "" : `runtimes.${runtime.id}.image`;
}

/**
 * Returns a name for a function's image that is the same on all nodes, which may use different images for a
 * runtime.
 */
export function needOf({ runtime, customImage }: Imaged): string {
  return customImage ? `${runtime} ${customImage}` : runtime;
}

/**
 * Returns the images required on a node.
 *
 * @param functions functions that may run there
 * @param find finds the runtime of a function
 * @param named normalizes the name of an image
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

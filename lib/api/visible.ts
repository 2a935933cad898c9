/**
 * Leaves out functions that a client may not see.
 *
 * @module
 */

import type { Principal } from "../access/principal.ts";
import type { ImageView } from "../images/status.ts";
import type { ShowsFunction } from "./services.ts";

const functionLabel = /[{,]function="((?:[^"\\]|\\.)*)"/;

/** Returns which functions a client may see. */
export function shownTo(principal: Principal): ShowsFunction {
  return (functionName) => principal.may("view", functionName);
}

/** Returns whether a client may see all functions. No function has the name `*`. */
export function seesAll(principal: Principal): boolean {
  return principal.may("view", "*");
}

/** Returns the images of runtimes, and of functions that the client may see. */
export function visibleImages(
  images: readonly ImageView[],
  principal: Principal,
): readonly ImageView[] {
  if (seesAll(principal)) return images;
  return images
    .map((image) => ({ ...image, functions: image.functions.filter(shownTo(principal)) }))
    .filter(({ runtimes, functions }) => runtimes.length > 0 || functions.length > 0);
}

/** Returns the metrics without series of functions that the client may not see. */
export function visibleMetrics(text: string, principal: Principal): string {
  if (seesAll(principal)) return text;
  return text.split("\n").filter((line) => {
    const name = functionLabel.exec(line)?.[1];
    return name === undefined || principal.may("view", name);
  }).join("\n");
}

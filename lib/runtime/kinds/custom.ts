/**
 * Container images that functions provide.
 *
 * @module
 */

import type { ImageKind } from "./kind.ts";

/** Kind of custom images. Requests share the image's files and environment, so only one at a time is safe. */
export const custom: ImageKind = { runtime: "custom", place: "image", isSerial: true };

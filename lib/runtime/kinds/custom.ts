/**
 * Container images that functions bring.
 *
 * @module
 */

import type { ImageKind } from "./kind.ts";

/** Images share files and environment between requests, so that one at a time is safe. */
export const custom: ImageKind = { runtime: "custom", place: "image", isSerial: true };

/**
 * Schemas of the API for images.
 *
 * @module
 */

import * as v from "valibot";
import { type InsideOf, wireNames } from "../json/wire_names.ts";

const image = v.pipe(v.string(), v.description("Name of the image, with its tag or digest"));
const size = v.pipe(
  v.number(),
  v.description("Size in bytes, including layers shared with other images"),
);

/** An image in the response of `GET /images`. */
export const imageSchema = v.object({
  Image: image,
  Runtimes: v.pipe(v.array(v.string()), v.description("Runtimes that need the image")),
  Functions: v.pipe(v.array(v.string()), v.description("Functions that need the image")),
  Present: v.boolean(),
  Size: v.nullable(size),
  Architecture: v.pipe(
    v.nullable(v.string()),
    v.description("Architectures, such as amd64 or arm64"),
  ),
  Pulled: v.pipe(v.boolean(), v.description("True if this node pulled the image")),
});

/** Converts images from and to the wire format. */
export const imageNames = wireNames(imageSchema, { Size: "sizeBytes" });

/** One image of a node. */
export type ImageView = InsideOf<typeof imageNames>;

/** Response of `POST /images/pull`. */
export const pulledSchema = v.object({
  Pulled: v.pipe(v.array(v.string()), v.description("Images that were pulled")),
  Present: v.pipe(v.array(v.string()), v.description("Images that were already present")),
});

/** Converts results of a pull from and to the wire format. */
export const pulledNames = wireNames(pulledSchema);

/** Images that were pulled, and those that were already present. */
export type PulledImages = InsideOf<typeof pulledNames>;

/** Response of `POST /images/prune`. */
export const prunedSchema = v.object({
  DryRun: v.pipe(v.boolean(), v.description("True if nothing was removed")),
  Removed: v.pipe(
    v.array(v.object({ Image: image, Size: size })),
    v.description("Images that were removed, or would be removed"),
  ),
  Kept: v.pipe(
    v.array(v.object({ Image: image, Reason: v.string() })),
    v.description("Unused images that were kept, with reasons"),
  ),
});

/** Converts results of a prune from and to the wire format. */
export const prunedNames = wireNames(prunedSchema, { Size: "sizeBytes" });

/** Unused images that were removed, and those that were kept. */
export type PrunedImages = InsideOf<typeof prunedNames>;

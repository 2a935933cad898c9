/**
 * Images of a node as its API tells of them: what is there, what was fetched, what was removed.
 *
 * @module
 */

import * as v from "valibot";
import { type InsideOf, wireNames } from "../json/wire_names.ts";

const image = v.pipe(v.string(), v.description("The image's name, with its tag or digest"));
const size = v.pipe(v.number(), v.description("Bytes, layers shared with other images included"));

/** One image, in the answer of `GET /images`. */
export const imageSchema = v.object({
  Image: image,
  Runtimes: v.pipe(v.array(v.string()), v.description("Runtimes that need it")),
  Functions: v.pipe(v.array(v.string()), v.description("Functions that need it")),
  Present: v.boolean(),
  Size: v.nullable(size),
  Architecture: v.pipe(v.nullable(v.string()), v.description("amd64, arm64, ...")),
  Pulled: v.pipe(v.boolean(), v.description("True if this node has fetched it")),
});

/** An image's view on its way to the wire and back. */
export const imageNames = wireNames(imageSchema, { Size: "sizeBytes" });

/** One image of a node. */
export type ImageView = InsideOf<typeof imageNames>;

/** Answer of `POST /images/pull`. */
export const pulledSchema = v.object({
  Pulled: v.pipe(v.array(v.string()), v.description("Images that were fetched now")),
  Present: v.pipe(v.array(v.string()), v.description("Images that were there already")),
});

/** These on their way to the wire and back. */
export const pulledNames = wireNames(pulledSchema);

/** What became of images that were to be there. */
export type PulledImages = InsideOf<typeof pulledNames>;

/** Answer of `POST /images/prune`. */
export const prunedSchema = v.object({
  DryRun: v.pipe(v.boolean(), v.description("True if nothing was removed")),
  Removed: v.pipe(
    v.array(v.object({ Image: image, Size: size })),
    v.description("Images that were removed, or would be"),
  ),
  Kept: v.pipe(
    v.array(v.object({ Image: image, Reason: v.string() })),
    v.description("Images that nothing needs any more, and why they are kept"),
  ),
});

/** These on their way to the wire and back. */
export const prunedNames = wireNames(prunedSchema, { Size: "sizeBytes" });

/** What became of images that nothing needs any more. */
export type PrunedImages = InsideOf<typeof prunedNames>;

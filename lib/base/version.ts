/**
 * Version of this program, and the commit that it was built from.
 *
 * @module
 */

import manifest from "../../deno.json" with { type: "json" };

/**
 * Placeholder that the build replaces in the bundle by the commit's hash (`scripts/build/compile.ts`). A
 * bundle cannot run git, and a generated file would make the working tree differ from the commit.
 */
const stamp: string = "@serverledge-commit@";

/** Version of the program, e.g. `0.1.0`. */
export const version: string = manifest.version;

/** Commit that the binary was built from; `source` if the program runs from source. */
export const commit: string = stamp.startsWith("@") ? "source" : stamp;

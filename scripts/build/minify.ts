/**
 * Minifies bundled code, and tells how much of the sources' clean-up a bundle must hold.
 *
 * `deno bundle --minify` of Deno 2.7.11 does so with esbuild 0.25.5, which puts the value of a
 * variable that is used once in the place of its use, and drops `using` with it: files, sockets and
 * leases stay open (`tests/probes/`; no public issue of Deno is known). A later esbuild does not.
 *
 * @module
 */

import { stop, transform } from "esbuild";
import { countDisposals } from "./disposals.ts";

/** Ends the minifier's process, which would hold up the end of this one. */
export const stopMinifier: () => Promise<void> = stop;

/**
 * Minifies a module.
 *
 * @param code JavaScript
 * @throws Error when a `using` declaration is lost
 */
export async function minify(code: string): Promise<string> {
  const options = { format: "esm", target: "esnext", minify: true, legalComments: "none" } as const;
  const { code: small } = await transform(code, options);
  const [before, after] = [countDisposals(code), countDisposals(small)];
  if (before !== after) {
    throw new Error(
      `The minifier leaves ${after} of ${before} variables declared by "using": what they hold would leak`,
    );
  }
  return small;
}

/**
 * Counts `using` declarations of TypeScript modules.
 *
 * @param paths the modules' files
 */
export async function countSourceDisposals(paths: readonly string[]): Promise<number> {
  let count = 0;
  for (const path of paths) {
    const options = { loader: "ts", target: "esnext" } as const;
    const { code } = await transform(await Deno.readTextFile(path), options);
    count += countDisposals(code);
  }
  return count;
}

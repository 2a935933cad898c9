/**
 * Licenses of the software that the program contains.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";

/** A piece of software and its license. */
export interface LicensedSoftware {
  readonly name: string;
  readonly version: string;
  /** SPDX identifier or expression. */
  readonly license: string;
  /** Text of the license; empty if its package has none. */
  readonly text: string;
}

/**
 * Placeholder that the build replaces in the bundle by the licenses: JSON, deflated, in base64
 * (`scripts/build/compile.ts`).
 */
const stamp: string = "@serverledge-licenses@";

/**
 * Returns the licenses, sorted by name.
 *
 * @throws `INVALID_REQUEST` if the program runs from source
 */
export async function licenses(): Promise<LicensedSoftware[]> {
  if (stamp.startsWith("@")) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      "The licenses are collected by the build: use the built program (deno task build)",
    );
  }
  const packed = new Blob([Uint8Array.fromBase64(stamp)]).stream();
  return await new Response(packed.pipeThrough(new DecompressionStream("deflate"))).json();
}

/**
 * JavaScript and TypeScript in sandboxes.
 *
 * @module
 */

import { isRelativeFile, type SandboxKind } from "./kind.ts";

/** JavaScript and TypeScript modules, which the node prepares before they run. */
export const deno: SandboxKind = {
  runtime: "deno",
  place: "sandbox",
  headroomMib: 0,
  roundsIntegers: true,
  handler: {
    forms: "file or file.export",
    accepts: isRelativeFile,
    refusal: "must be a file of the code or file.export, such as hello.ts",
  },
};

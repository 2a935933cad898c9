/**
 * Node.js functions.
 *
 * @module
 */

import { type ContainerKind, isRelativeFile } from "./kind.ts";

/** Kind of functions in Node.js 16 or newer. */
export const nodejs: ContainerKind = {
  runtime: "nodejs",
  aliases: ["nodejs17ng", "nodejs17"],
  place: "container",
  image: "node:22-slim",
  program: {
    file: "executor.js",
    text: async () =>
      (await import("../executors/executor.js", { with: { type: "text" } })).default,
    command: ["node"],
    init: [],
  },
  // V8 derives the limit of its heap from the container's memory only at its start. So all generic
  // containers use the limit that Node.js 18 has in containers of up to 512 MiB.
  generic: {
    memoryMib: 64,
    maxMemoryMib: 512,
    options: ["--max-old-space-size=256"],
    readAtStart: ["NODE_", "UV_"],
  },
  roundsIntegers: true,
  handler: {
    forms: "file or file.object.method",
    accepts: isRelativeFile,
    refusal: "must be a file of the code or file.export, such as hello.js",
  },
};

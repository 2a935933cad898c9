/**
 * Programs and scripts that read standard input and write standard output, or speak the executor's
 * protocol themselves.
 *
 * @module
 */

import { type ContainerKind, isRelativeFile } from "./kind.ts";

/** Beginning of the handler of a program that is itself an executor. */
const ownExecutor = "executor:";

/** Programs in any language, including executables for the node's architecture. */
export const binary: ContainerKind = {
  runtime: "binary",
  place: "container",
  image: "debian:stable-slim",
  program: { file: "stdio", command: [], init: [] },
  generic: {
    memoryMib: 8,
    maxMemoryMib: Infinity,
    options: [],
    readAtStart: [],
    takes: (handler) => !handler.startsWith(ownExecutor),
  },
  http: ["event", "stdio"],
  handler: {
    forms: "file [argument...] (default: fn.sh) or executor:file",
    accepts: (handler) => {
      const command = handler.replace(/^executor:/, "");
      if (/\p{Cc}/u.test(handler) || command.length > 4000) return false;
      return handler === "" || isRelativeFile(command.split(" ")[0]!);
    },
    refusal:
      "must be a file of the code, optionally with arguments, such as fn.sh or bin/resize --width 320",
  },
};

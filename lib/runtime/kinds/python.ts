/**
 * Python functions.
 *
 * @module
 */

import type { ContainerKind } from "./kind.ts";

/** Pattern of `module.function`; packages or folders may precede the module, e.g. `src/my-app.handler`. */
const pattern =
  /^(\.\/)?[\p{ID_Continue}-]+([./][\p{ID_Continue}-]+)*\.[\p{ID_Start}_]\p{ID_Continue}*$/u;

/** Kind of functions in CPython 3.8 or newer. */
export const python: ContainerKind = {
  runtime: "python",
  aliases: ["python314", "python310", "python38"],
  imageAliases: ["python312ml"],
  place: "container",
  image: "python:3-slim",
  program: {
    file: "executor.py",
    text: async () =>
      (await import("../executors/executor.py", { with: { type: "text" } })).default,
    // -B: the root is read-only, so compiled modules cannot be cached. -u: output to sys.__stdout__ is
    // not buffered.
    command: ["python3", "-B", "-u"],
    init: ["-p"],
  },
  generic: { memoryMib: 32, maxMemoryMib: Infinity, options: [], readAtStart: ["PYTHON"] },
  cancelsBySignal: true,
  handler: {
    forms: "module.function or folder/module.function",
    accepts: (handler) => pattern.test(handler),
    refusal: "must be module.function, such as hello.handler",
  },
};

/**
 * Kinds of runtimes. Each kind has a file next to this one and a row in `kinds.ts`.
 *
 * @module
 */

/** Grammar of a function's handler. */
export interface HandlerGrammar {
  /** Forms of handlers for help texts, e.g. `module.function`. */
  readonly forms: string;
  /** Tells whether a handler has one of these forms; omitted if only the function's code can decide. */
  readonly accepts?: (handler: string) => boolean;
  /** Clause of the error for other handlers, e.g. `is not module.function, e.g. hello.handler`. */
  readonly refusal?: string;
}

/** Properties of all kinds. */
interface CommonKind {
  /** Id of the runtime of this kind on every node. */
  readonly runtime: string;
  /** Names that the Go prototype uses for that runtime. */
  readonly aliases?: readonly string[];
  /** Such names of images that contain more than the language. They have no meaning without an image. */
  readonly imageAliases?: readonly string[];
  /** Handlers of its functions; omitted if there are none. */
  readonly handler?: HandlerGrammar;
  /** Forms in which a function can receive a plain HTTP request; omitted if only as an event. */
  readonly http?: readonly ("event" | "stdio" | "cgi")[];
  /** True if its functions can run without their state of earlier calls. */
  readonly dropsState?: true;
  /** True if an instance runs one call at a time, whatever `MaxConcurrency` a function has. */
  readonly isSerial?: true;
  /** True if its numbers are doubles, which change integers beyond 2^53. */
  readonly roundsIntegers?: true;
}

/** Executor program, which runs a function in its container. */
export interface ExecutorProgram {
  /** File name of the program in the container. */
  readonly file: string;
  /** Returns the source of the program; omitted for a program of `docker/native`, found by {@link file}. */
  readonly text?: () => Promise<string>;
  /** Command of the interpreter with its options; empty for an executable. */
  readonly command: readonly string[];
  /** Options of process 1, see `docker/native/init.c`. */
  readonly init: readonly string[];
}

/** Generic containers of a kind. */
export interface GenericInstances {
  /** Memory of a generic container, MiB: about twice what it uses while it waits. */
  readonly memoryMib: number;
  /** Maximum memory of a function that it can be specialized for, MiB. */
  readonly maxMemoryMib: number;
  /** Arguments of its interpreter. */
  readonly options: readonly string[];
  /** Prefixes of variables that the interpreter reads only at its start. */
  readonly readAtStart: readonly string[];
  /** Tells whether it can be specialized for a function with this handler; omitted if for any handler. */
  readonly takes?: (handler: string) => boolean;
}

/** Kind with an executor program in a container of the runtime's image. */
export interface ContainerKind extends CommonKind {
  /** Where its functions run. */
  readonly place: "container";
  /** Default image, used unless the configuration names another. */
  readonly image: string;
  /** Executor program in the container. */
  readonly program: ExecutorProgram;
  /** Properties of its generic containers; omitted if it has none. */
  readonly generic?: GenericInstances;
  /** True if an executor of serial calls receives a cancellation only by the signal USR1. */
  readonly cancelsBySignal?: true;
}

/** Kind with a container of an image that the function provides, called by HTTP. */
export interface ImageKind extends CommonKind {
  /** Where its functions run. */
  readonly place: "image";
}

/** Kind with a process of the node's own program, without an image. */
export interface SandboxKind extends CommonKind {
  /** Where its functions run. */
  readonly place: "sandbox";
  /** Memory of an instance in addition to that of the function, MiB. */
  readonly headroomMib: number;
}

/** Kind of runtime, by the place where functions run. */
export type Kind = ContainerKind | ImageKind | SandboxKind;

/** Tells whether a handler is a path of a file below the code's folder. */
export function isRelativeFile(path: string): boolean {
  const parts = path.replace(/^\.\//, "").split("/");
  return !path.includes("\0") && !path.includes("\\") &&
    parts.every((part) => part !== "" && part !== "..");
}

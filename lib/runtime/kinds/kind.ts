/**
 * Kinds of runtimes: a file next to this one describes each, and
 * `kinds.ts` has a row for it.
 *
 * @module
 */

/** Grammar of a function's handler. */
export interface HandlerGrammar {
  /** Its forms, for help texts, e.g. `module.function`. */
  readonly forms: string;
  /** True for a handler of one of these forms. Without it the code decides, when it is read. */
  readonly accepts?: (handler: string) => boolean;
  /** The clause that refuses any other, e.g. `is not module.function, e.g. hello.handler`. */
  readonly refusal?: string;
}

/** Properties of all kinds. */
interface CommonKind {
  /** Id of the runtime that each node has of it. */
  readonly runtime: string;
  /** Names that the Go prototype uses for that runtime. */
  readonly aliases?: readonly string[];
  /** Such names of images that have more than the language: they mean nothing without an image. */
  readonly imageAliases?: readonly string[];
  /** Handlers of its functions; omitted if there are none. */
  readonly handler?: HandlerGrammar;
  /** What a function may get of a request over plain HTTP; left out: the event. */
  readonly http?: readonly ("event" | "stdio" | "cgi")[];
  /** True if its functions can do without their state between calls. */
  readonly dropsState?: true;
  /** True if an instance runs one call at a time, whatever a function asks for. */
  readonly isSerial?: true;
  /** True if its numbers are doubles, so that integers beyond 2^53 would be changed. */
  readonly roundsIntegers?: true;
}

/** Program of ours that runs a function in its container. */
export interface ExecutorProgram {
  /** Its file name in the container. */
  readonly file: string;
  /** Its text; left out for a program of `docker/native`, which is found by {@link file}. */
  readonly text?: () => Promise<string>;
  /** The interpreter and its options; empty for an executable. */
  readonly command: readonly string[];
  /** Options of process 1, see `docker/native/init.c`. */
  readonly init: readonly string[];
}

/** Generic containers of a kind. */
export interface GenericInstances {
  /** Memory of one while it waits, MiB: about twice what it uses. */
  readonly memoryMib: number;
  /** Memory of the largest function that it can be specialized for, MiB. */
  readonly maxMemoryMib: number;
  /** Arguments of its interpreter. */
  readonly options: readonly string[];
  /** Prefixes of variables that the interpreter reads once, as it starts. */
  readonly readAtStart: readonly string[];
  /** Whether it can be specialized for a function with this handler; left out: for any. */
  readonly takes?: (handler: string) => boolean;
}

/** An executor of ours in a container of the runtime's image. */
export interface ContainerKind extends CommonKind {
  /** Where its functions run. */
  readonly place: "container";
  /** The image where the configuration names no other. */
  readonly image: string;
  /** What runs there. */
  readonly program: ExecutorProgram;
  /** Left out where none are kept. */
  readonly generic?: GenericInstances;
  /** True if an executor of serial calls learns of a cancellation only by the signal USR1. */
  readonly cancelsBySignal?: true;
}

/** A container of an image that the function brings, reached by HTTP. */
export interface ImageKind extends CommonKind {
  /** Where its functions run. */
  readonly place: "image";
}

/** A process of the node's own program, without an image. */
export interface SandboxKind extends CommonKind {
  /** Where its functions run. */
  readonly place: "sandbox";
  /** Memory of an instance beyond the function's own, MiB. */
  readonly headroomMib: number;
}

/** Kind of a runtime. */
export type Kind = ContainerKind | ImageKind | SandboxKind;

/** Tells whether a handler is a path of a file below the code's folder. */
export function isRelativeFile(path: string): boolean {
  const parts = path.replace(/^\.\//, "").split("/");
  return !path.includes("\0") && !path.includes("\\") &&
    parts.every((part) => part !== "" && part !== "..");
}

/**
 * Description of a function for a sandbox. The sandbox receives no other data about its node.
 *
 * @module
 */

import type { HttpInterface } from "../../model/function.ts";
import type { GenericKind } from "../environment.ts";
import type { SandboxExecutor } from "../kinds/kinds.ts";

/** First argument that makes the program a sandbox. */
export const sandboxMode = "__sandbox";
/** First argument that makes the program prepare code. */
export const prepareMode = "__prepare";

/**
 * Describes generic sandboxes. There is one kind, for functions of all runtimes.
 *
 * @param count number to keep ready (`sandbox.generic`)
 */
export function genericSandboxes(count: number): GenericKind {
  // The size is the private memory of a process, plus a part of the memory that all share.
  return { place: "sandbox", id: "sandbox", memoryMib: 32, count };
}

/** Function in the form in which a sandbox receives it. */
export interface SandboxSpec {
  /** Kind of the code, which decides how it is loaded. */
  readonly executor: SandboxExecutor;
  /** Name of the function. */
  readonly name: string;
  /** Handler of the function, as its creator wrote it. */
  readonly handler: string;
  /** Absolute path of the folder with the prepared code. */
  readonly folder: string;
  /** Path of the main file, relative to the folder. */
  readonly entry: string;
  /** Name of the export to call; empty for the default one. */
  readonly exportName: string;
  /** Environment variables and secrets. The sandbox has no others. */
  readonly env: Readonly<Record<string, string>>;
  /** True if the instance of a WebAssembly module is kept between calls. JavaScript modules always are. */
  readonly stateful: boolean;
  /** Form in which a WebAssembly command receives raw HTTP requests. */
  readonly http: HttpInterface;
  /** Memory limit, MiB. */
  readonly memoryMib: number;
  /** Maximum number of concurrent calls. */
  readonly concurrency: number;
  /** Network of the function. With `bridge` it may access other machines through the node. */
  readonly network: "none" | "bridge";
  /** True if the sandbox receives calls on standard input after a reply that announces it. */
  readonly pipe: boolean;
  readonly area: string;
  /** Id of the node. */
  readonly node: string;
}

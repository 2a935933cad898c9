/**
 * Description of a function for a sandbox: the only thing that it ever learns of its node.
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

/** Identifies generic sandboxes: there is one kind, for functions of all runtimes. */
export const genericSandboxId = "sandbox";

/**
 * Describes generic sandboxes.
 *
 * @param count number to keep ready (`sandbox.generic`)
 */
export function genericSandboxes(count: number): GenericKind {
  // What a process has for itself, and a part of what all share.
  return { id: genericSandboxId, memoryMib: 32, count };
}

/** Function as a sandbox sees it. */
export interface SandboxSpec {
  /** Kind of its code, which decides how it is loaded. */
  readonly executor: SandboxExecutor;
  /** Name of the function. */
  readonly name: string;
  /** Its handler, as its creator wrote it. */
  readonly handler: string;
  /** Absolute path of the folder with its prepared code. */
  readonly folder: string;
  /** The file of it where the code begins, relative to the folder. */
  readonly entry: string;
  /** Which export of it is called; empty for the usual one. */
  readonly exportName: string;
  /** Its environment variables; the sandbox has no others. */
  readonly env: Readonly<Record<string, string>>;
  /** True if a module of WebAssembly is kept between calls; JavaScript always is. */
  readonly stateful: boolean;
  /** What a command of WebAssembly gets of a request over plain HTTP. */
  readonly http: HttpInterface;
  /** Memory it may use, MiB. */
  readonly memoryMib: number;
  /** Most calls at once. */
  readonly concurrency: number;
  /** `bridge`: it may reach other machines, through the node. */
  readonly network: "none" | "bridge";
  /** True if calls come by standard input where a reply has said so. */
  readonly pipe: boolean;
  readonly area: string;
  /** Id of the node. */
  readonly node: string;
}

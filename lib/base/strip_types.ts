/**
 * Removal of types from TypeScript. This separate module is imported when it is needed, because it takes
 * 4 MiB, and because the bundle provides the names of a CommonJS package only to static imports.
 *
 * @module
 */

import { transformSync } from "amaro";

/** Reason why types cannot be removed from a source. */
export interface SyntaxProblem {
  /** Description of the problem. */
  readonly message: string;
  /** Line number, from 1. */
  readonly startLine: number;
}

/** Error code of amaro for syntax that must be translated to code, such as enums. */
const unsupported = "UnsupportedSyntax";

/**
 * Replaces types by spaces, which keeps lines and columns.
 *
 * @param source TypeScript
 * @param options.transform true to also translate enums, namespaces and parameter properties, which may
 *   move the lines after them; otherwise they are refused
 * @returns JavaScript
 * @throws a {@link SyntaxProblem}
 */
export function stripTypes(source: string, options: { transform?: boolean } = {}): string {
  try {
    return transformSync(source, { mode: "strip-only" }).code;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (!options.transform || code !== unsupported) throw error;
    return transformSync(source, { mode: "transform" }).code;
  }
}

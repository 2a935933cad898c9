/**
 * TypeScript without its types. A module of its own that is imported when it is needed: it brings
 * 4 MiB with it, and the bundle gives a CommonJS package's names to static imports only.
 *
 * @module
 */

import { transformSync } from "amaro";

/** Why a source is no TypeScript that can be stripped. */
export interface SyntaxProblem {
  /** What is wrong. */
  readonly message: string;
  /** Line, from 1. */
  readonly startLine: number;
}

/** amaro's code for what would need code of its own, such as enums. */
const unsupported = "UnsupportedSyntax";

/**
 * Replaces types by spaces, so that lines and columns stay.
 *
 * @param source TypeScript
 * @param options.transform true to translate enums, namespaces and parameter properties, too; lines
 *   behind them may move. Else they are refused
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

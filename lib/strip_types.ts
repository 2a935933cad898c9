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

/**
 * Replaces types by spaces, so that lines and columns stay.
 *
 * @param source TypeScript without enums, namespaces and parameter properties
 * @returns JavaScript
 * @throws a {@link SyntaxProblem}
 */
export function stripTypes(source: string): string {
  return transformSync(source, { mode: "strip-only" }).code;
}

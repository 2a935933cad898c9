/**
 * Counts the declarations that dispose of something at the end of their block (`using` and
 * `await using`), so that a build can tell that none of them was lost on its way.
 *
 * @module
 */

import { parse } from "acorn";

/** Kinds of declarations, as ESTree names them. */
const disposing = new Set(["using", "await using"]);

/**
 * Counts variables declared by `using` and `await using`; a minifier joins declarations.
 *
 * @param code a module of JavaScript
 * @throws SyntaxError where the code has none that JavaScript allows
 */
export function countDisposals(code: string): number {
  let count = 0;
  const waiting: unknown[] = [parse(code, { ecmaVersion: "latest", sourceType: "module" })];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== "object" || node === null) continue;
    const { kind, declarations } = node as { kind?: string; declarations?: unknown[] };
    if (disposing.has(kind!) && declarations) count += declarations.length;
    for (const child of Object.values(node)) waiting.push(child);
  }
  return count;
}

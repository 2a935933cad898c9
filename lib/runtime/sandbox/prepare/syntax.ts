/**
 * Parser of source files. It removes types and parses the result; the syntax tree has all imports.
 *
 * @module
 */

import { type Node, parse, type Program } from "acorn";
import { CodeProblem } from "./problem.ts";

/** Maximum size of a source file, bytes. */
const maxSourceBytes = 16 << 20;

/** Parsed source file. */
export interface Source {
  /** JavaScript code with the line numbers of the file. */
  readonly code: string;
  /** Syntax tree of the code. */
  readonly program: Program;
}

/** Type of `stripTypes`, which removes types. It is large and loaded only for TypeScript. */
export type TypeStripper = (source: string, options: { transform: boolean }) => string;

/** Reports whether a file is TypeScript. */
export function isTypeScript(path: string): boolean {
  return /\.[cm]?ts$/.test(path);
}

/** Node of the syntax tree and its fields. */
export type TreeNode = Node & Record<string, unknown>;

/**
 * Parses a source file.
 *
 * @param path of the file in its archive
 * @param stripTypes removes types from TypeScript
 * @throws {CodeProblem} if it cannot be parsed
 */
export function readSource(
  path: string,
  bytes: Uint8Array,
  stripTypes: TypeStripper,
): Source {
  if (bytes.length > maxSourceBytes) throw new CodeProblem("the file is larger than 16 MiB", path);
  let code = new TextDecoder().decode(bytes);
  if (isTypeScript(path)) code = withoutTypes(path, code, stripTypes);
  // `#!` would no longer be at the start of the file.
  if (code.startsWith("#!")) code = `//${code.slice(2)}`;
  try {
    const program = parse(code, {
      ecmaVersion: "latest",
      sourceType: "module",
      allowReturnOutsideFunction: true,
      checkPrivateFields: true,
    });
    return { code, program };
  } catch (error) {
    if (error instanceof RangeError) throw new CodeProblem("the code is nested too deeply", path);
    const { message, loc } = error as Error & { loc?: { line: number } };
    throw new CodeProblem(message.replace(/ \(\d+:\d+\)$/, ""), path, loc?.line);
  }
}

function withoutTypes(path: string, code: string, stripTypes: TypeStripper): string {
  try {
    return stripTypes(code, { transform: true });
  } catch (error) {
    const { message, startLine } = error as { message?: string; startLine?: number };
    throw new CodeProblem(message ?? String(error), path, startLine);
  }
}

/**
 * Visits every node of a tree without recursion. Deeply nested code must not overflow the stack.
 *
 * @param root first node
 * @param visit called for each node
 */
export function walk(root: Node, visit: (node: TreeNode) => void): void {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const next = pending.pop();
    if (Array.isArray(next)) {
      for (const one of next) pending.push(one);
    } else if (isNode(next)) {
      visit(next);
      for (const key of Object.keys(next)) {
        const value = next[key];
        if (typeof value === "object" && value !== null) pending.push(value);
      }
    }
  }
}

/** Reports whether a value of a tree is a node. */
export function isNode(value: unknown): value is TreeNode {
  return typeof value === "object" && value !== null &&
    typeof (value as Record<string, unknown>).type === "string";
}

/**
 * Returns the text of a string literal, such as `"./a.js"`, or of a template without expressions; undefined
 * for other nodes.
 */
export function literalText(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateLiteral") {
    const quasis = node.quasis as { value: { cooked: string } }[];
    if (quasis.length === 1) return quasis[0]!.value.cooked;
  }
  return undefined;
}

/** Edit of a text: replaces the characters from `start` to `end`. */
export interface Edit {
  /** Index of the first character. */
  readonly start: number;
  /** Index after the last character. */
  readonly end: number;
  readonly text: string;
}

/**
 * Applies edits to a text.
 *
 * @param edits in any order; an edit inside another is dropped
 */
export function applyEdits(code: string, edits: readonly Edit[]): string {
  const sorted = [...edits].sort((a, b) => a.start - b.start || b.end - a.end);
  let result = "";
  let at = 0;
  for (const { start, end, text } of sorted) {
    if (start < at) continue;
    result += code.slice(at, start) + text;
    at = end;
  }
  return result + code.slice(at);
}

/**
 * Returns the line number of a position.
 *
 * @param at index of a character
 * @returns number, from 1
 */
export function lineOf(code: string, at: number): number {
  let line = 1;
  for (let i = code.indexOf("\n"); i >= 0 && i < at; i = code.indexOf("\n", i + 1)) line++;
  return line;
}

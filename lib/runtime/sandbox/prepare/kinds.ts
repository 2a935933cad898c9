/**
 * Whether a file of code is an ES module or CommonJS, and what a CommonJS module exports.
 *
 * @module
 */

import type { Files } from "./resolve.ts";
import { packageOf } from "./resolve.ts";
import { isNode, literalText, type Source, type TreeNode, walk } from "./syntax.ts";

/** How a file of code is run. */
export type CodeKind = "module" | "commonjs";

const moduleNodes: ReadonlySet<string> = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportDefaultDeclaration",
  "ExportAllDeclaration",
]);

/**
 * Tells what a file is: by its extension, else by its syntax, else by its package.
 *
 * @param files the archive
 * @param path the file
 * @param source the file, read
 */
export function kindOf(files: Files, path: string, source: Source): CodeKind {
  if (/\.m[jt]s$/.test(path)) return "module";
  if (path.endsWith(".cjs")) return "commonjs";
  if (source.program.body.some(({ type }) => moduleNodes.has(type))) return "module";
  if (packageOf(files, path)?.manifest.type === "module") return "module";
  return usesCommonJs(source) ? "commonjs" : "module";
}

function usesCommonJs({ program }: Source): boolean {
  let uses = false;
  walk(program, (node) => {
    if (node.type === "MemberExpression") {
      const { object, property } = node as unknown as { object: TreeNode; property: TreeNode };
      uses ||= object.name === "exports" ||
        (object.name === "module" && property.name === "exports");
    }
    uses ||= node.type === "CallExpression" && (node.callee as TreeNode).name === "require";
  });
  return uses;
}

/** What a CommonJS module requires and exports, as far as its text tells. */
export interface CommonJsFacts {
  /** Specifiers of `require("...")`. */
  readonly requires: ReadonlySet<string>;
  /** Names that are set on `exports`. */
  readonly names: ReadonlySet<string>;
  /** Specifiers of modules whose names are exported, too. */
  readonly reexports: ReadonlySet<string>;
}

/**
 * Reads what a CommonJS module requires and exports.
 *
 * @param source the file, read
 */
export function readCommonJs({ program }: Source): CommonJsFacts {
  const facts = {
    requires: new Set<string>(),
    names: new Set<string>(),
    reexports: new Set<string>(),
  };
  walk(program, (node) => {
    if (node.type === "CallExpression") readCall(node, facts);
    else if (node.type === "AssignmentExpression") readAssignment(node, facts);
  });
  return facts;
}

/** Facts while they are collected. */
type Collected = { [K in keyof CommonJsFacts]: Set<string> };

function readCall(node: TreeNode, facts: Collected): void {
  const args = node.arguments as unknown[];
  const required = requiredBy(node);
  if (required !== undefined) facts.requires.add(required);
  const callee = node.callee as TreeNode;
  const name = String(callee.name ?? (callee.property as TreeNode | undefined)?.name ?? "");
  if (name === "defineProperty" && isExports(args[0])) {
    const text = literalText(args[1]);
    if (text !== undefined) facts.names.add(text);
  }
  // What TypeScript makes of `export * from`.
  const star = name === "__exportStar" || name === "__export" ? requiredBy(args[0]) : undefined;
  if (star !== undefined) facts.reexports.add(star);
}

function readAssignment({ left, right }: TreeNode, facts: Collected): void {
  if (isExports(left)) {
    const required = requiredBy(right);
    if (required !== undefined) facts.reexports.add(required);
    if (!isNode(right) || right.type !== "ObjectExpression") return;
    for (const property of right.properties as TreeNode[]) {
      const key = property.key as TreeNode | undefined;
      const name = property.computed ? undefined : key?.name ?? literalText(key);
      if (typeof name === "string") facts.names.add(name);
    }
  } else if (isNode(left) && left.type === "MemberExpression" && isExports(left.object)) {
    const property = left.property as TreeNode;
    const name = left.computed ? literalText(property) : property.name;
    if (typeof name === "string") facts.names.add(name);
  }
}

function requiredBy(node: unknown): string | undefined {
  if (!isNode(node) || node.type !== "CallExpression") return undefined;
  const { callee, arguments: args } = node as unknown as { callee: TreeNode; arguments: unknown[] };
  return callee.name === "require" ? literalText(args[0]) : undefined;
}

/** `exports` or `module.exports`. */
function isExports(node: unknown): boolean {
  if (!isNode(node)) return false;
  if (node.type === "Identifier") return node.name === "exports";
  if (node.type !== "MemberExpression") return false;
  const { object, property } = node as unknown as { object: TreeNode; property: TreeNode };
  return object.name === "module" && property.name === "exports";
}

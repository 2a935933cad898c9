/**
 * Whether a file of code is an ES module or CommonJS, and what a CommonJS module exports.
 *
 * @module
 */

import { initSync, parse } from "cjs-module-lexer";
import { type Files, packageOf } from "./resolve.ts";
import { literalText, type Source, type TreeNode, walk } from "./syntax.ts";

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

/**
 * Finds the specifiers of a CommonJS module's `require("...")`.
 *
 * @param source the file, read
 */
export function requiresOf({ program }: Source): Set<string> {
  const specifiers = new Set<string>();
  walk(program, (node) => {
    if (node.type !== "CallExpression" || (node.callee as TreeNode).name !== "require") return;
    const specifier = literalText((node.arguments as unknown[])[0]);
    if (specifier !== undefined) specifiers.add(specifier);
  });
  return specifiers;
}

/**
 * Finds what a CommonJS module exports, as Node.js does for `import`.
 *
 * @param source the file, read
 * @returns names, and specifiers of modules whose names it exports, too
 */
export function exportsOf({ code }: Source): { exports: string[]; reexports: string[] } {
  initSync();
  try {
    return parse(code);
  } catch {
    // Its names are unknown then, and the module is its default export, as in Node.js.
    return { exports: [], reexports: [] };
  }
}

/**
 * Detection of ES modules and CommonJS modules, and of the exports of CommonJS modules.
 *
 * @module
 */

import { initSync, parse } from "cjs-module-lexer";
import { type Files, packageOf } from "./resolve.ts";
import { literalText, type Source, type TreeNode, walk } from "./syntax.ts";

/** Module system of a source file. */
export type CodeKind = "module" | "commonjs";

const moduleNodes: ReadonlySet<string> = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportDefaultDeclaration",
  "ExportAllDeclaration",
]);

/**
 * Determines the module system of a file from its extension, its syntax or its package, in that order.
 *
 * @param source parsed source file
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
 * @param source parsed source file
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
 * Finds the exports of a CommonJS module, as Node.js does for `import`.
 *
 * @param source parsed source file
 * @returns names of exports, and specifiers of modules whose exports it re-exports
 */
export function exportsOf({ code }: Source): { exports: string[]; reexports: string[] } {
  initSync();
  try {
    return parse(code);
  } catch {
    // The names are then unknown, and the module has only a default export, as in Node.js.
    return { exports: [], reexports: [] };
  }
}

/**
 * Rewriting of a module whose imports then name only prepared modules. Line numbers do not change, and stack
 * traces therefore show the user's lines.
 *
 * @module
 */

import { CodeProblem } from "./problem.ts";
import {
  applyEdits,
  type Edit,
  isNode,
  lineOf,
  literalText,
  type Source,
  type TreeNode,
  walk,
} from "./syntax.ts";

/** Resolver of the imports of a module that is rewritten. */
export interface ImportResolver {
  /**
   * Finds the prepared module that an import names.
   *
   * @param specifier in the source
   * @param form type in the import's attributes; `module` if there is none
   * @returns the specifier of the prepared module, or the reason why there is none
   */
  find(specifier: string, form: string): { specifier: string } | { problem: string };
  /** Specifier of the runtime module. */
  readonly runtime: string;
  /** Records that the module has an import with a computed specifier. */
  importsAnything(): void;
}

/** Rewritten module. */
export interface Rewritten {
  /** Code that must precede the body, at the module's top and on the same line. */
  readonly head: string;
  /** Rewritten code of the module. */
  readonly body: string;
}

/**
 * Rewrites a module.
 *
 * @param path of the module's file in the archive
 * @param source parsed source file
 * @param resolver finds the imported modules
 * @throws {CodeProblem} if a static import names a missing module
 */
export function rewriteModule(path: string, source: Source, resolver: ImportResolver): Rewritten {
  return new Rewriting(path, source, resolver).run();
}

class Rewriting {
  readonly #path: string;
  readonly #source: Source;
  readonly #resolver: ImportResolver;
  readonly #edits: Edit[] = [];
  readonly #helpers = new Map<string, string>();

  constructor(path: string, source: Source, resolver: ImportResolver) {
    this.#path = path;
    this.#source = source;
    this.#resolver = resolver;
  }

  run(): Rewritten {
    const { code, program } = this.#source;
    walk(program, (node) => this.#visit(node));
    return { head: this.#head(), body: applyEdits(code, this.#edits) };
  }

  #visit(node: TreeNode): void {
    switch (node.type) {
      case "ImportDeclaration":
      case "ExportNamedDeclaration":
      case "ExportAllDeclaration":
        if (isNode(node.source)) this.#static(node, node.source);
        break;
      case "ImportExpression":
        this.#dynamic(node, node.source as TreeNode);
        break;
      case "MetaProperty":
        if ((node.meta as TreeNode).name === "import") this.#meta(node);
    }
  }

  #static(node: TreeNode, source: TreeNode): void {
    const specifier = literalText(source) ?? "";
    const found = this.#resolver.find(specifier, attributeOf(node.attributes));
    if ("problem" in found) {
      throw new CodeProblem(
        `cannot import ${JSON.stringify(specifier)}: ${found.problem}`,
        this.#path,
        lineOf(this.#source.code, node.start),
      );
    }
    this.#edits.push({ start: source.start, end: node.end, text: `${found.specifier};` });
  }

  #dynamic(node: TreeNode, source: TreeNode): void {
    const specifier = literalText(source);
    if (specifier === undefined) return this.#computed(node, source);
    const found = this.#resolver.find(specifier, optionsOf(node.options));
    const { start, end } = node;
    if ("specifier" in found) {
      this.#edits.push({ start, end, text: `import(${found.specifier})` });
      return;
    }
    // The import may be optional, so it fails only when it runs.
    const message = `Cannot import ${JSON.stringify(specifier)}: ${found.problem}`;
    this.#edits.push({
      start,
      end,
      text: `${this.#helper("missing")}(${JSON.stringify(message)})`,
    });
  }

  #computed(node: TreeNode, source: TreeNode): void {
    this.#resolver.importsAnything();
    const call = `${this.#helper("dynamic")}(${JSON.stringify(this.#path)},(`;
    this.#edits.push({ start: node.start, end: source.start, text: call });
    this.#edits.push({ start: source.end, end: node.end, text: "))" });
  }

  #meta(node: TreeNode): void {
    const name = this.#helper("meta");
    this.#edits.push({ start: node.start, end: node.end, text: `${name}$` });
  }

  /** Returns the local name of a function of the runtime module. The code does not contain that name. */
  #helper(name: string): string {
    let local = this.#helpers.get(name);
    if (!local) {
      local = `$${name}`;
      while (this.#source.code.includes(local)) local += "_";
      this.#helpers.set(name, local);
    }
    return local;
  }

  #head(): string {
    if (this.#helpers.size === 0) return "";
    const names = [...this.#helpers].map(([name, local]) => `${name} as ${local}`);
    const meta = this.#helpers.get("meta");
    const constant = meta ? `const ${meta}$=${meta}(${JSON.stringify(this.#path)});` : "";
    return `import{${names.join()}}from${this.#resolver.runtime};${constant}`;
  }
}

/** Returns the `type` of `with { type: "json" }`. */
function attributeOf(attributes: unknown): string {
  for (const attribute of (attributes ?? []) as TreeNode[]) {
    const key = attribute.key as TreeNode;
    if ((key.name ?? literalText(key)) === "type") return literalText(attribute.value) ?? "module";
  }
  return "module";
}

/** Returns the `type` in the second argument of `import()`. */
function optionsOf(options: unknown): string {
  let type = "module";
  if (!isNode(options)) return type;
  walk(options, (node) => {
    if (node.type !== "Property") return;
    const key = node.key as TreeNode;
    if ((key.name ?? literalText(key)) === "type") type = literalText(node.value) ?? type;
  });
  return type;
}

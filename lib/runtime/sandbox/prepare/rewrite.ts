/**
 * Rewrites a module so that all its imports are of prepared modules. Lines stay where they are, so
 * that stacks tell the user's lines.
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

/** What a module may ask while it is rewritten. */
export interface ImportResolver {
  /**
   * The prepared module that an import means, as a specifier.
   *
   * @param specifier as it is written
   * @param form what the import's attributes want: `module` if there are none
   * @returns the specifier, or why there is none
   */
  find(specifier: string, form: string): { specifier: string } | { problem: string };
  /** The specifier of the runtime module. */
  readonly runtime: string;
  /** Called if the module imports what is only known when it runs. */
  importsAnything(): void;
}

/** A module, rewritten. */
export interface Rewritten {
  /** What it needs before its code, on the same line and at the module's top. */
  readonly head: string;
  /** Its code. */
  readonly body: string;
}

/**
 * Rewrites a module.
 *
 * @param path of its file in the archive
 * @param source the file, read
 * @param resolver finds what it imports
 * @throws {CodeProblem} if it imports statically what is not there
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
    // It may be optional: it fails when, and if, it is run.
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

  /** The local name of one of the runtime's functions, which the code uses for nothing else. */
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

/** The `type` of `with { type: "json" }`. */
function attributeOf(attributes: unknown): string {
  for (const attribute of (attributes ?? []) as TreeNode[]) {
    const key = attribute.key as TreeNode;
    if ((key.name ?? literalText(key)) === "type") return literalText(attribute.value) ?? "module";
  }
  return "module";
}

/** The same of the second argument of `import()`. */
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

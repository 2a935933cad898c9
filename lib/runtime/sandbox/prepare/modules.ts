/**
 * Prepares a function's code. Starting from the handler's file, it follows all imports through the archive
 * and creates modules that import only each other. It runs no code and reads only the archive.
 *
 * The folders of prepared files correspond to their sources: `app/` has modules, `cjs/` the bodies of
 * CommonJS modules, `json/`, `text/` and `bytes/` data. The name of each is the path of its source plus
 * `.js`.
 *
 * @module
 */

import { relative } from "node:path/posix";
import { exportsOf, kindOf, requiresOf } from "./kinds.ts";
import { CodeProblem } from "./problem.ts";
import { type Files, findFile, resolve } from "./resolve.ts";
import { type ImportResolver, rewriteModule } from "./rewrite.ts";
import { processPath, processText, runtimePath, runtimeText } from "./runtime_text.ts";
import { readSource, type Source, type TypeStripper } from "./syntax.ts";

/** Maximum number of modules of a function. */
const maxModules = 10_000;
/** Maximum total length of prepared files, characters. */
const maxPreparedChars = 64 << 20;

/** Form in which a file is imported. */
type Form = "app" | "cjs" | "json" | "text" | "bytes";

/** Prepared code of a function. */
export interface Prepared {
  /** Prepared files by path. */
  readonly files: ReadonlyMap<string, string>;
  /** Path of the main file. */
  readonly entry: string;
  /** Name of the export that the handler names; empty for the default one. */
  readonly exportName: string;
}

/** Parsed source file and its kind. */
interface Code {
  readonly source: Source;
  readonly kind: "module" | "commonjs";
}

/**
 * Prepares the code of a function.
 *
 * @param handler of the function: `file` with or without extension, or `file.export`
 * @param stripTypes removes types from TypeScript
 * @throws {CodeProblem} if the code has an error
 */
export function prepareModules(
  files: Files,
  handler: string,
  stripTypes: TypeStripper,
): Prepared {
  const { path, exportName } = findHandler(files, handler);
  return new Preparation(files, stripTypes).run(path, exportName);
}

/** Finds the file and the export that a handler names. */
function findHandler(files: Files, handler: string): { path: string; exportName: string } {
  const name = handler.replace(/^\.\//, "");
  const whole = findFile(files, name);
  if (whole) return { path: whole, exportName: "" };
  const dot = name.lastIndexOf(".");
  const path = dot > 0 ? findFile(files, name.slice(0, dot)) : undefined;
  if (path) return { path, exportName: name.slice(dot + 1) };
  const some = [...files.keys()].filter((path) => /\.[cm]?[jt]s$/.test(path)).slice(0, 5);
  const known = some.length > 0 ? `; its code files are ${some.join(", ")}` : "";
  throw new CodeProblem(`the archive has no such code file${known}`, handler);
}

class Preparation {
  readonly #files: Files;
  readonly #stripTypes: TypeStripper;
  readonly #prepared = new Map<string, string>();
  readonly #codes = new Map<string, Code>();
  readonly #pending: (() => void)[] = [];
  /** Import expressions of modules that a computed specifier may name, by path. */
  readonly #thunks = new Map<string, string>();
  #importsAnything = false;
  #chars = 0;

  constructor(files: Files, stripTypes: TypeStripper) {
    this.#files = files;
    this.#stripTypes = stripTypes;
  }

  run(path: string, exportName: string): Prepared {
    const entry = this.#add(path, "app");
    this.#drain();
    if (this.#importsAnything) this.#addAll();
    this.#prepared.set(runtimePath, runtimeText(this.#thunks, path));
    return { files: this.#prepared, entry, exportName };
  }

  #drain(): void {
    for (let next = this.#pending.pop(); next; next = this.#pending.pop()) next();
  }

  /**
   * Adds all modules of the function, because a computed import may name any of them. A module with an error
   * throws when it is imported.
   */
  #addAll(): void {
    for (const path of this.#files.keys()) {
      if (path.includes("node_modules/") || !/\.(m?[jt]s|cjs|json)$/.test(path)) continue;
      const form = path.endsWith(".json") ? "json" : "app";
      try {
        this.#thunks.set(path, `import(${quoted(this.#add(path, form), runtimePath)})`);
        this.#drain();
      } catch (error) {
        if (!(error instanceof CodeProblem)) throw error;
        this.#prepared.set(nameOf(path, form), `throw new SyntaxError(${literal(error.message)})`);
      }
    }
  }

  /** Adds a file to the prepared ones, unless it is among them, and returns the path of the prepared file. */
  #add(path: string, form: Form): string {
    const name = nameOf(path, form);
    if (this.#prepared.has(name)) return name;
    if (this.#prepared.size >= maxModules) {
      throw new CodeProblem(`there are more than ${maxModules} modules: bundle the code`, path);
    }
    this.#prepared.set(name, "");
    this.#pending.push(() => this.#put(name, this.#make(path, form)));
    return name;
  }

  #put(name: string, text: string): void {
    this.#chars += text.length;
    if (this.#chars > maxPreparedChars) {
      throw new CodeProblem(`the code is longer than ${maxPreparedChars} characters`, name);
    }
    this.#prepared.set(name, text);
  }

  #make(path: string, form: Form): string {
    const bytes = this.#files.get(path)!;
    if (form === "text") return `export default ${literal(new TextDecoder().decode(bytes))}`;
    if (form === "bytes") return `export default Uint8Array.fromBase64("${bytes.toBase64()}")`;
    if (form === "json") return makeJson(path, bytes);
    const code = this.#read(path);
    if (form === "cjs") return this.#makeCommonJs(path, code);
    if (code.kind === "commonjs") return this.#makeFacade(path, code);
    const { head, body } = rewriteModule(path, code.source, this.#resolver(path, form));
    return head + body;
  }

  #read(path: string): Code {
    let code = this.#codes.get(path);
    if (!code) {
      const source = readSource(path, this.#files.get(path)!, this.#stripTypes);
      code = { source, kind: kindOf(this.#files, path, source) };
      this.#codes.set(path, code);
    }
    return code;
  }

  #resolver(path: string, form: Form): ImportResolver {
    const name = nameOf(path, form);
    return {
      find: (specifier, wanted) => this.#find(path, name, specifier, wanted),
      runtime: quoted(runtimePath, name),
      importsAnything: () => void (this.#importsAnything = true),
    };
  }

  #find(path: string, name: string, specifier: string, wanted: string) {
    const target = resolve(this.#files, path, specifier, "import");
    if (target.kind === "nothing") return { problem: target.why };
    if (target.kind === "builtin") {
      if (!target.builtin.allowed) {
        return { problem: `the module ${specifier} is not available in a sandbox` };
      }
      return { specifier: this.#builtin(target.builtin.name, name) };
    }
    const form = formOf(target.path, wanted);
    if (!form) return { problem: `${target.path} is not code: import it with { type: "text" }` };
    return { specifier: quoted(this.#add(target.path, form), name) };
  }

  /** Returns the specifier of a module of Node.js. `process` is the sandbox's own. */
  #builtin(builtin: string, from: string): string {
    if (builtin !== "process") return literal(`node:${builtin}`);
    this.#prepared.set(processPath, processText);
    return quoted(processPath, from);
  }

  /** Creates the module with the body of a CommonJS module, which runs when it is first required. */
  #makeCommonJs(path: string, { source }: Code): string {
    const name = nameOf(path, "cjs");
    const imports: string[] = [`import{define as $define}from${quoted(runtimePath, name)};`];
    const requires: string[] = [];
    for (const specifier of requiresOf(source)) {
      const target = resolve(this.#files, path, specifier, "require");
      const local = `$r${imports.length}`;
      if (target.kind === "builtin" && target.builtin.allowed) {
        imports.push(`import ${local} from${this.#builtin(target.builtin.name, name)};`);
        requires.push(`${literal(specifier)}:()=>${local}`);
      } else if (target.kind === "file") {
        const form = formOf(target.path, "module");
        if (form === "app" && this.#read(target.path).kind === "commonjs") {
          imports.push(`import${quoted(this.#add(target.path, "cjs"), name)};`);
          requires.push(`${literal(specifier)}:${literal(target.path)}`);
        } else if (form) {
          imports.push(`import*as ${local} from${quoted(this.#add(target.path, form), name)};`);
          const value = form === "app" ? local : `${local}.default`;
          requires.push(`${literal(specifier)}:()=>${value}`);
        }
      }
      // A missing module fails when it is required, because packages handle missing optional modules.
    }
    const { head, body } = rewriteModule(path, source, this.#resolver(path, "cjs"));
    return `${imports.join("")}${head}$define(${literal(path)},{${requires.join()}},` +
      `function(exports,require,module,__filename,__dirname){${body}\n});\n`;
  }

  /** Creates the ES module through which ES modules import a CommonJS module. */
  #makeFacade(path: string, code: Code): string {
    const name = nameOf(path, "app");
    const names = [...this.#namesOf(path, code, new Set())].filter((name) => name !== "default");
    const values = names.map((name, i) => `const $e${i}=$m[${literal(name)}];`);
    const exported = names.map((name, i) => `$e${i} as ${literal(name)}`);
    return `import${quoted(this.#add(path, "cjs"), name)};` +
      `import{load as $load}from${quoted(runtimePath, name)};` +
      `const $m=$load(${literal(path)})??{};${values.join("")}` +
      `export{${["$m as default", ...exported].join()}};`;
  }

  #namesOf(path: string, { source }: Code, seen: Set<string>): Set<string> {
    seen.add(path);
    const { exports, reexports } = exportsOf(source);
    const all = new Set(exports);
    for (const specifier of reexports) {
      const target = resolve(this.#files, path, specifier, "require");
      if (target.kind !== "file" || seen.has(target.path)) continue;
      if (formOf(target.path, "module") !== "app") continue;
      const code = this.#read(target.path);
      if (code.kind !== "commonjs") continue;
      for (const name of this.#namesOf(target.path, code, seen)) all.add(name);
    }
    return all;
  }
}

function formOf(path: string, wanted: string): Form | undefined {
  if (wanted === "json" || wanted === "text" || wanted === "bytes") return wanted;
  if (path.endsWith(".json")) return "json";
  return /\.[cm]?[jt]s$/.test(path) && !path.endsWith(".d.ts") ? "app" : undefined;
}

function makeJson(path: string, bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  try {
    JSON.parse(text);
  } catch (error) {
    throw new CodeProblem(`not JSON: ${(error as Error).message}`, path);
  }
  return `export default JSON.parse(${literal(text)})`;
}

function nameOf(path: string, form: Form): string {
  return `${form}/${path}.js`;
}

/** Returns the specifier with which a prepared file imports another, as a literal. */
function quoted(name: string, from: string): string {
  const path = relative(from.replace(/[^/]*$/, "") || ".", name);
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return literal(encoded.startsWith(".") ? encoded : `./${encoded}`);
}

/** Returns a text as a JavaScript literal. JSON is valid JavaScript since ECMAScript 2019. */
function literal(text: string): string {
  return JSON.stringify(text);
}

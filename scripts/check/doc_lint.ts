/**
 * The documentation lint of what the project exports: every export has its sentence.
 *
 * Two rules are left out. `private-type-ref` takes a type that one module imports from another for
 * private, which is right for a library with one entry and wrong for a program made of modules.
 * `missing-explicit-type` wants the types of schemas written down, which schemas exist to infer.
 * Members of interfaces and type literals need no comment where name and type say it all, and
 * members of classes need none if a class or an interface above has them.
 *
 * @module
 */

import { projectFiles, root } from "../project.ts";

const ignored = /^error\[(private-type-ref|missing-explicit-type)\]/;

/** Members that classes inherit from built-in types. */
const builtIn: Readonly<Record<string, readonly string[]>> = {
  AsyncDisposable: ["[Symbol.asyncDispose]"],
  Disposable: ["[Symbol.dispose]"],
  Error: ["name", "message", "cause"],
};

/** Part of a declaration. */
export interface Member {
  readonly name: string;
  /** Line and column count from 0. */
  readonly location: { readonly filename: string; readonly line: number; readonly col: number };
}

/** Contents of a declaration. */
export interface Definition {
  readonly methods?: readonly Member[];
  readonly properties?: readonly Member[];
  /** Name of the base class, or the bases of an interface. */
  readonly extends?: string | readonly { readonly repr: string }[];
  readonly implements?: readonly { readonly repr: string }[];
}

/** The fields read of what `deno doc --json` prints: the symbols of each file by its URL. */
export type Documentation = Readonly<
  Record<string, {
    readonly symbols?: readonly {
      readonly name: string;
      readonly declarations: readonly { readonly kind: string; readonly def?: Definition }[];
    }[];
  }>
>;

/**
 * Finds the problems that count.
 *
 * @param report what `deno doc --lint` printed
 * @param documentation of the same files
 * @returns the head of each problem: its message and its line
 */
export function findProblems(report: string, documentation: Documentation): string[] {
  const exempt = exemptMembers(documentation);
  return report
    .split(/^(?=error\[)/m)
    .filter((problem) => problem.startsWith("error[") && !ignored.test(problem))
    .filter((problem) =>
      !problem.startsWith("error[missing-jsdoc]") ||
      !exempt.has(/--> (\S+)/.exec(problem)?.[1] ?? "")
    )
    .map((problem) => problem.trim().split("\n").slice(0, 4).join("\n"))
    .filter((problem) => !problem.includes("/.cache/"));
}

/** Finds the members that need no comment of their own, as `path:line:column`. */
function exemptMembers(documentation: Documentation): Set<string> {
  const symbols = Object.values(documentation).flatMap((file) => file.symbols ?? []);
  const definitions = Map.groupBy(
    symbols.flatMap(({ name, declarations }) =>
      declarations.map(({ kind, def = {} }) => ({ name, kind, def }))
    ),
    ({ name }) => name,
  );
  const exempt = new Set<string>();
  for (const { kind, def } of [...definitions.values()].flat()) {
    if (kind === "interface" || kind === "typeAlias") addLocations(def, exempt);
    if (kind !== "class") continue;
    // The loop also visits the bases that it adds.
    const bases = new Set(basesOf(def));
    const inherited = new Set<string>();
    for (const base of bases) {
      for (const name of builtIn[base] ?? []) inherited.add(name);
      for (const { def } of definitions.get(base) ?? []) {
        for (const { name } of membersOf(def)) inherited.add(name);
        for (const name of basesOf(def)) bases.add(name);
      }
    }
    addLocations(membersOf(def).filter(({ name }) => inherited.has(name)), exempt);
  }
  return exempt;
}

function membersOf({ methods = [], properties = [] }: Definition): Member[] {
  return [...methods, ...properties];
}

function basesOf(def: Definition): string[] {
  const { extends: bases = [], implements: contracts = [] } = def;
  return [
    ...(typeof bases === "string" ? [bases] : bases.map(({ repr }) => repr)),
    ...contracts.map(({ repr }) => repr),
  ];
}

/** Adds the locations of all members in a part of the documentation, nested ones included. */
function addLocations(part: unknown, to: Set<string>): void {
  if (typeof part !== "object" || part === null) return;
  if ("location" in part) {
    const { filename, line, col } = (part as Member).location;
    to.add(`${new URL(filename).pathname}:${line + 1}:${col + 1}`);
  }
  for (const inner of Object.values(part)) addLocations(inner, to);
}

/** Runs `deno doc`. Ends this process if that fails without naming a problem. */
async function denoDoc(mode: string, files: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", mode, ...files],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const errors = decoder.decode(stderr);
  if (code !== 0 && !errors.includes("error[")) {
    console.error(errors);
    Deno.exit(1);
  }
  return { output: decoder.decode(stdout), errors };
}

if (import.meta.main) {
  const files = (await projectFiles(["main.ts", "cli.ts", "lib", "policies"]))
    .filter((file) => !file.endsWith("_test.ts"));
  const { errors } = await denoDoc("--lint", files);
  const { output } = await denoDoc("--json", files);
  const problems = findProblems(errors, JSON.parse(output).nodes);
  if (problems.length > 0) {
    console.error(problems.join("\n\n"));
    console.error(`${problems.length} documentation problems in ${files.length} files`);
    Deno.exit(1);
  }
  console.log(`${files.length} files documented`);
}

/**
 * The one-way order of the project's modules: a file imports only from its own module and from modules
 * before it, and no files import each other in a circle.
 *
 * @module
 */

/** One module: a folder (ends with a slash) or a single file, seen from the project's root. */
interface Module {
  readonly path: string;
  /** Modules that it may import from besides itself; all before it where this is absent. */
  readonly only?: readonly string[];
}

/** The modules in order. A file is in the first that its path begins with. */
const modules: readonly Module[] = [
  { path: "deno.json" },
  { path: "lib/base/" },
  { path: "lib/json/" },
  { path: "lib/runtime/executors/", only: [] },
  { path: "lib/runtime/kinds/", only: ["lib/runtime/executors/"] },
  { path: "lib/model/" },
  { path: "lib/config/" },
  { path: "lib/archive/" },
  { path: "lib/wasm/" },
  { path: "lib/images/" },
  { path: "lib/http/" },
  { path: "lib/policy/contract.ts" },
  {
    path: "policies/",
    only: ["lib/base/", "lib/json/", "lib/model/", "lib/policy/contract.ts"],
  },
  { path: "lib/policy/" },
  { path: "lib/registry/" },
  { path: "lib/access/" },
  { path: "lib/secrets/" },
  { path: "lib/runtime/" },
  { path: "lib/cluster/" },
  { path: "lib/pool/" },
  { path: "lib/scheduler/" },
  { path: "lib/telemetry/" },
  { path: "lib/api/" },
  { path: "lib/balancer/" },
  { path: "lib/node/" },
  // What a user has: the contract that policies are written against.
  { path: "examples/", only: ["lib/policy/contract.ts"] },
  { path: "lib/cli/" },
  { path: "lib/lab/commands/" },
  { path: "lib/lab/statistics.ts", only: [] },
  { path: "lib/lab/plot/", only: [] },
  {
    path: "lib/lab/load/",
    only: ["lib/base/", "lib/json/", "lib/model/", "lib/http/", "lib/lab/plot/"],
  },
  { path: "lib/lab/" },
  { path: "cli.ts" },
  { path: "main.ts" },
  { path: "tests/" },
  { path: "scripts/" },
];

/**
 * Imports against the order that are meant: commands that load the laboratory when they run, so that
 * nothing else pays for it.
 */
const loadedOnDemand: readonly (readonly [from: string, to: string])[] = [
  ["lib/lab/commands/bench.ts", "lib/lab/bench/run.ts"],
  ["lib/lab/commands/simulate.ts", "lib/lab/simulate/run.ts"],
];

/** Suites and fakes that unit tests share. */
const shared = ["tests/contract/", "tests/support/"];

/** One import of one file by another, both seen from the project's root. */
export interface Import {
  /** The file that imports. */
  readonly from: string;
  /** The file that is imported. */
  readonly to: string;
  /** Whether it is loaded when the import runs. */
  readonly isDynamic?: boolean;
}

/**
 * Finds the imports that go against the order.
 *
 * @param imports imports between the project's files
 * @returns one sentence for each offending import
 */
export function findOffences(imports: readonly Import[]): string[] {
  const offences: string[] = [];
  for (const { from, to, isDynamic } of imports) {
    // Unit tests stand in their modules but share suites and fakes.
    if (from.endsWith("_test.ts") && shared.some((folder) => to.startsWith(folder))) continue;
    if (isDynamic && loadedOnDemand.some(([one, other]) => one === from && other === to)) continue;
    const importer = moduleOf(from);
    const imported = moduleOf(to);
    if (importer === imported && importer >= 0) continue;
    if (importer < 0) offences.push(`${from} is in no module: add it to the table in layers.ts`);
    else if (imported < 0) offences.push(`${from} imports ${to}, which is in no module`);
    else if (imported > importer) {
      offences.push(`${from} imports ${to}: ${name(importer)} comes before ${name(imported)}`);
    } else if (!mayImport(importer, imported)) {
      const allowed = modules[importer]!.only!.join(", ") || "none";
      offences.push(`${from} imports ${to}: of other modules only ${allowed} may be imported`);
    }
  }
  return offences;
}

/**
 * Finds files that import each other in a circle.
 *
 * @param imports imports between the project's files
 * @returns one sentence for each circle, of which a file is in one at most
 */
export function findCircles(imports: readonly Import[]): string[] {
  const imported = new Map<string, string[]>();
  for (const { from, to } of imports) imported.set(from, [...imported.get(from) ?? [], to]);
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) circles.push(`circle: ${[...way.slice(at), file].join(" -> ")}`);
    if (at >= 0 || done.has(file)) return;
    for (const next of imported.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  };
  for (const file of imported.keys()) walk(file, []);
  return circles;
}

function moduleOf(file: string): number {
  return modules.findIndex(({ path }) =>
    path.endsWith("/") ? file.startsWith(path) : file === path
  );
}

function name(module: number): string {
  return modules[module]!.path;
}

function mayImport(importer: number, imported: number): boolean {
  const { only } = modules[importer]!;
  return only === undefined || only.includes(name(imported));
}

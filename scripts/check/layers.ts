/**
 * The one-way order of the project's rooms: a file imports only from its own room and from rooms
 * above it.
 *
 * @module
 */

/** One room: a folder (ends with a slash) or a single file, seen from the project's root. */
interface Room {
  readonly path: string;
  /** Rooms it may import from besides itself; all above it where this is absent. */
  readonly only?: readonly string[];
}

/** The rooms in order, the lowest last. Whatever is not in here must not be imported. */
const rooms: readonly Room[] = [
  { path: "deno.json" },
  { path: "lib/base/version.ts" },
  { path: "lib/base/" },
  { path: "lib/model/" },
  { path: "lib/plot/" },
  { path: "lib/http/" },
  { path: "lib/base/strip_types.ts" },
  { path: "lib/load/", only: ["lib/base/", "lib/model/", "lib/plot/", "lib/http/"] },
  { path: "lib/policy/contract.ts" },
  { path: "policies/", only: ["lib/base/", "lib/model/", "lib/policy/contract.ts"] },
  { path: "lib/registry/" },
  { path: "lib/runtime/" },
  { path: "lib/cluster/" },
  { path: "lib/pool/" },
  { path: "lib/scheduler/" },
  { path: "lib/telemetry/" },
  { path: "lib/api/" },
  { path: "lib/balancer/" },

  { path: "lib/policy/loader.ts" },
  { path: "lib/node/services.ts" },
  { path: "lib/node/images.ts" },
  { path: "lib/node/node.ts" },
  { path: "lib/node/balancer_node.ts" },
  { path: "lib/simulator/" },
  { path: "examples/policies/situations.json" },
  { path: "lib/cli/" },
  { path: "cli.ts" },
  { path: "main.ts" },
];

/** Where suites and fakes lie that unit tests share. */
const tests = "tests/";

/** One import of one file by another, both seen from the project's root. */
export interface Import {
  /** The file that imports. */
  readonly from: string;
  /** The file that is imported. */
  readonly to: string;
}

/**
 * Finds the imports that go against the order.
 *
 * @param imports imports between the project's files
 * @returns one sentence for each offending import
 */
export function findOffences(imports: readonly Import[]): string[] {
  const offences: string[] = [];
  for (const { from, to } of imports) {
    // Unit tests stand in their rooms but share suites and fakes, which see what they test.
    if (from.startsWith(tests) || (from.endsWith("_test.ts") && to.startsWith(tests))) continue;
    const importer = roomOf(from);
    const imported = roomOf(to);
    if (importer === imported && importer >= 0) continue;
    if (importer < 0) offences.push(`${from} is in no room: add it to the table in layers.ts`);
    else if (imported < 0) offences.push(`${from} imports ${to}, which is in no room`);
    else if (imported > importer) {
      offences.push(`${from} imports ${to}: ${name(importer)} comes before ${name(imported)}`);
    } else if (!mayImport(importer, imported)) {
      offences.push(`${from} imports ${to}: only ${rooms[importer]!.only!.join(", ")} are allowed`);
    }
  }
  return offences;
}

function roomOf(file: string): number {
  return rooms.findIndex(({ path }) => path.endsWith("/") ? file.startsWith(path) : file === path);
}

function name(room: number): string {
  return rooms[room]!.path;
}

function mayImport(importer: number, imported: number): boolean {
  const { only } = rooms[importer]!;
  return only === undefined || only.includes(name(imported));
}

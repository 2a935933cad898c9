/**
 * Checks that no import goes against the order of the rooms, type-only and dynamic ones included.
 *
 * Usage: deno run -A scripts/check/check_layers.ts
 *
 * @module
 */

import { capture, fromFileUrl, projectFiles, root } from "../project.ts";
import { findOffences, type Import } from "./layers.ts";

/** What `deno info --json` tells of a module, as far as it matters here. */
interface ModuleInfo {
  specifier: string;
  error?: string;
  dependencies?: { code?: { specifier?: string }; type?: { specifier?: string } }[];
}

/** Reads the imports between the project's own files. */
async function readImports(files: readonly string[]): Promise<Import[]> {
  // One module that imports them all, since `deno info` takes a single root.
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      entry,
      files.map((file) => `import "file://${root}${file}";\n`).join(""),
    );
    const args = ["info", "--json", "--config", `${root}deno.json`, entry];
    const { modules } = JSON.parse(await capture(Deno.execPath(), args)) as {
      modules: ModuleInfo[];
    };
    return modules.flatMap((module) => importsOf(module));
  } finally {
    await Deno.remove(entry);
  }
}

function importsOf(module: ModuleInfo): Import[] {
  const from = fromFileUrl(module.specifier);
  if (from === undefined) return [];
  const imports: Import[] = [];
  for (const { code, type } of module.dependencies ?? []) {
    const to = fromFileUrl(code?.specifier ?? type?.specifier ?? "");
    if (to !== undefined) imports.push({ from, to });
  }
  return imports;
}

if (import.meta.main) {
  const files = await projectFiles(["main.ts", "cli.ts", "lib", "policies"]);
  const imports = await readImports(files);
  const offences = findOffences(imports);
  for (const offence of offences) console.error(offence);
  if (offences.length > 0) Deno.exit(1);
  console.log(`${files.length} files, ${imports.length} imports, no arrow against the order`);
}

/**
 * Checks that no import goes against the order of the modules or closes a circle, type-only and dynamic
 * ones included.
 *
 * Usage: deno run -A scripts/check/check_layers.ts
 *
 * @module
 */

import { capture, fromFileUrl, projectFiles, root } from "../project.ts";
import { findCircles, findOffences, type Import } from "./layers.ts";

/** What `deno info --json` tells of a module, as far as it matters here. */
interface ModuleInfo {
  specifier: string;
  error?: string;
  dependencies?: {
    code?: { specifier?: string };
    type?: { specifier?: string };
    isDynamic?: boolean;
  }[];
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
  for (const { code, type, isDynamic } of module.dependencies ?? []) {
    const to = fromFileUrl(code?.specifier ?? type?.specifier ?? "");
    if (to !== undefined) imports.push({ from, to, isDynamic });
  }
  return imports;
}

if (import.meta.main) {
  const folders = ["lib", "policies", "examples", "scripts", "tests"];
  const files = await projectFiles(["main.ts", "cli.ts", ...folders]);
  const imports = await readImports(files);
  const offences = [...findOffences(imports), ...findCircles(imports)];
  for (const offence of offences) console.error(offence);
  if (offences.length > 0) Deno.exit(1);
  console.log(
    `${files.length} files, ${imports.length} imports, none against the order, no circle`,
  );
}

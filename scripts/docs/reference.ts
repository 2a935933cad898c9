/**
 * Writes the reference, `docs/reference`, from the code; or checks that it is up to date.
 *
 * Usage: deno run -A scripts/docs/reference.ts [--check]
 *
 * @module
 */

import { root } from "../project.ts";
import { commandLinePage } from "./command_line.ts";
import { configurationPage } from "./configuration.ts";
import { errorsPage } from "./errors.ts";
import { httpApiPage } from "./http_api.ts";
import { limitsPage } from "./limits.ts";
import { metricsPage } from "./metrics.ts";

const folder = `${root}docs/reference/`;
const command = "deno run -A scripts/docs/reference.ts";

/** The pages by file name, each with what makes it. */
const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  "command-line.md": commandLinePage,
  "configuration.md": configurationPage,
  "errors.md": errorsPage,
  "http-api.md": httpApiPage,
  "limits.md": limitsPage,
  "metrics.md": metricsPage,
};

/** Makes all pages. Resolves to their texts by file name. */
export async function makePages(): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  for (const [name, page] of Object.entries(pages)) {
    const note =
      `<!-- Written by ${command}. Change the code that it describes, not this file. -->`;
    made.set(name, `${note}\n\n${await page()}\n`);
  }
  return made;
}

/**
 * Compares the pages with what is in the folder.
 *
 * @param made the pages as they should be, by file name
 * @param present the files as they are, by name
 * @returns one sentence for each file that is missing, differs or belongs to no page
 */
export function findStale(
  made: ReadonlyMap<string, string>,
  present: ReadonlyMap<string, string>,
): string[] {
  const stale: string[] = [];
  for (const [name, text] of made) {
    const old = present.get(name);
    if (old === undefined) stale.push(`${name} is missing`);
    else if (old !== text) {
      const line = firstDifference(old.split("\n"), text.split("\n"));
      stale.push(`${name} does not say what the code does, line ${line}`);
    }
  }
  for (const name of present.keys()) {
    if (!made.has(name)) stale.push(`${name} is no page of the reference`);
  }
  return stale;
}

/** Number of the first line, from 1, in which two texts differ. */
function firstDifference(one: readonly string[], other: readonly string[]): number {
  let at = 0;
  while (one[at] === other[at]) at++;
  return at + 1;
}

async function presentPages(): Promise<Map<string, string>> {
  const present = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    present.set(name, await Deno.readTextFile(folder + name));
  }
  return present;
}

if (import.meta.main) {
  const made = await makePages();
  if (Deno.args[0] === "--check") {
    const stale = findStale(made, await presentPages());
    for (const sentence of stale) console.error(`docs/reference/${sentence}`);
    if (stale.length > 0) {
      console.error(`Bring the reference up to date: ${command}`);
      Deno.exit(1);
    }
  } else {
    await Deno.remove(folder, { recursive: true });
    await Deno.mkdir(folder);
    for (const [name, text] of made) await Deno.writeTextFile(folder + name, text);
  }
  console.log(`${made.size} pages of the reference`);
}

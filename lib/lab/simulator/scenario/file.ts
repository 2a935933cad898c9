/**
 * Scenario files that extend others: `extends` names a file whose keys apply unless they are overridden.
 *
 * @module
 */

import { ServerledgeError } from "../../../base/errors.ts";
import { isObject } from "../../../json/json.ts";

/** Maximum depth of `extends`. */
const maxDepth = 8;

/** Reads a file. @throws if it cannot be read or parsed */
export type ReadFile = (path: string) => Promise<Record<string, unknown>>;

/**
 * Reads a scenario file and the files that it extends.
 *
 * @param read reads and parses one file
 * @returns the merged scenario, not validated
 * @throws `INVALID_REQUEST` if files extend each other in a circle
 */
export async function readScenarioFile(
  path: string,
  read: ReadFile,
): Promise<Record<string, unknown>> {
  let whole: Record<string, unknown> = {};
  let next: string | undefined = path;
  for (let depth = 0; next !== undefined; depth++) {
    if (depth === maxDepth) throw bad(`${path} extends more than ${maxDepth} files`);
    const { extends: base, ...own }: Record<string, unknown> = await read(next);
    whole = merge(own, whole);
    if (base !== undefined && typeof base !== "string") throw bad("extends: expected a file");
    next = base === undefined ? undefined : resolvePath(next, base);
  }
  return whole;
}

/**
 * Merges objects key by key; other values are replaced.
 *
 * @param under base values
 * @param over values that override them
 */
export function merge(
  under: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isObject(value) && isObject(below) ? merge(below, value) : value;
  }
  return merged;
}

function resolvePath(path: string, name: string): string {
  return name.startsWith("/") ? name : path.slice(0, path.lastIndexOf("/") + 1) + name;
}

function bad(message: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", message, { details: { path: "extends" } });
}

/**
 * Scenario files that build on others: `extends` names one beside it, of which everything holds that
 * the file itself does not say.
 *
 * @module
 */

import { ServerledgeError } from "../../../base/errors.ts";
import { isObject } from "../../../json/json.ts";

/** Most files of which one extends the other. */
const maxDepth = 8;

/** Reads a file. @throws where it cannot be read or parsed */
export type ReadFile = (path: string) => Promise<Record<string, unknown>>;

/**
 * Reads a scenario file with all that it extends.
 *
 * @param path where it is
 * @param read reads and parses one file
 * @returns the whole scenario, still to be checked
 * @throws `INVALID_REQUEST` where files extend each other in circles
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
    next = base === undefined ? undefined : beside(next, base);
  }
  return whole;
}

/**
 * Puts values over others: objects are merged key by key, all else is replaced.
 *
 * @param under what holds where nothing is over it
 * @param over what comes first
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

function beside(path: string, name: string): string {
  return name.startsWith("/") ? name : path.slice(0, path.lastIndexOf("/") + 1) + name;
}

function bad(message: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", message, { details: { path: "extends" } });
}

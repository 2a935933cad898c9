/**
 * Contexts: nodes that a user has logged in to, with their keys, in a file that only the user can read.
 *
 * @module
 */

import { dirname, join } from "node:path";
import * as v from "valibot";
import { ServerledgeError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { tryParseJson } from "../../json/json.ts";

const contextSchema = v.object({
  /** URL of the node, e.g. `http://edge1:1323`. */
  url: v.pipe(v.string(), v.url()),
  /** Key for the node; absent if it requires none. */
  key: v.optional(v.string()),
  /** Path of a PEM file with the node's CA certificate. */
  ca: v.optional(v.string()),
  /** The node's self-signed certificate, PEM. */
  certificate: v.optional(v.string()),
});
const fileSchema = v.object({
  /** Name of the context that commands use by default. */
  current: v.optional(v.string()),
  contexts: v.record(v.string(), contextSchema),
});

/** A node that a user has logged in to. */
export type Context = v.InferOutput<typeof contextSchema>;
/** All contexts of a user. */
export type Contexts = v.InferOutput<typeof fileSchema>;

/** Returns the path of the file. */
export function contextsPath(env: Readonly<Record<string, string>>): string {
  const folder = env.XDG_CONFIG_HOME || join(env.HOME ?? "/", ".config");
  return join(folder, "serverledge", "contexts.json");
}

/**
 * Reads the contexts.
 *
 * @returns none if there is no file
 * @throws `CONFIG_INVALID` for a damaged file
 */
export async function readContexts(env: Readonly<Record<string, string>>): Promise<Contexts> {
  const path = contextsPath(env);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { contexts: {} };
    throw new ServerledgeError(
      "CONFIG_INVALID",
      `Cannot read ${path}: ${(error as Error).message}`,
    );
  }
  const parsed = v.safeParse(fileSchema, tryParseJson(text));
  if (parsed.success) return parsed.output;
  throw new ServerledgeError(
    "CONFIG_INVALID",
    `${path} is no file of contexts: remove it, and run serverledge login again`,
  );
}

/**
 * Writes the contexts so that only the user can read them.
 *
 * @throws `CONFIG_INVALID` if the file cannot be written
 */
export async function writeContexts(
  env: Readonly<Record<string, string>>,
  contexts: Contexts,
): Promise<void> {
  const path = contextsPath(env);
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${Deno.pid}`;
  try {
    await Deno.writeTextFile(temporary, `${JSON.stringify(contexts, undefined, 2)}\n`, {
      mode: 0o600,
    });
    await Deno.rename(temporary, path);
  } catch (error) {
    // It has keys.
    await Deno.remove(temporary).catch(() => {});
    throw new ServerledgeError(
      "CONFIG_INVALID",
      `Cannot write ${path}: ${(error as Error).message}`,
    );
  }
}

/**
 * Returns a context.
 *
 * @param name name of the context; undefined for the current one
 * @returns undefined if there is no current one
 * @throws `INVALID_REQUEST` if there is none of that name
 */
export function contextNamed({ contexts, current }: Contexts, name?: string): Context | undefined {
  const wanted = name ?? current;
  if (wanted === undefined) return undefined;
  if (Object.hasOwn(contexts, wanted)) return contexts[wanted];
  if (name === undefined) return undefined;
  const names = Object.keys(contexts);
  const similar = nearest(name, names);
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `There is no context "${name}"${
      similar ? `; did you mean "${similar}"?` : ""
    }: run serverledge login URL ` +
      `--name ${name}. Contexts: ${names.join(", ") || "none"}`,
  );
}

/**
 * Configuration files as text: YAML, TOML or JSON. Each parser is loaded only when it is needed.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { isObject } from "../../json/json.ts";

/** Endings of configuration files, in the order in which they are looked for. */
export const configEndings: readonly string[] = ["yaml", "yml", "toml", "json"];

/**
 * Parses a configuration file; its ending tells the format, and YAML is the rule without one.
 *
 * @param content the file's content
 * @param path where it was read, for messages
 * @throws `CONFIG_INVALID` with path, line and reason
 */
export async function parseConfigText(
  content: string,
  path: string,
): Promise<Record<string, unknown>> {
  const value =
    await parsers[path.slice(path.lastIndexOf(".") + 1).toLowerCase()]?.(content, path) ??
      await parseYaml(content, path);
  if (isObject(value)) return value;
  throw new ServerledgeError("CONFIG_INVALID", `${path}: expected keys with values`);
}

const parsers: Readonly<Record<string, (content: string, path: string) => Promise<unknown>>> = {
  toml: parseToml,
  json: parseJson,
};

async function parseYaml(content: string, path: string): Promise<unknown> {
  const { LineCounter, parseDocument } = await import("./yaml.ts");
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
  const problem = document.errors[0];
  if (problem) {
    const at = problem.pos[0];
    const reason = problem.code === "DUPLICATE_KEY"
      ? `${keyAt(content, at)} is set more than once`
      : problem.message;
    throw malformed(path, lines.linePos(at).line, reason, problem);
  }
  return document.toJS() ?? {};
}

/** The key that begins at a place, as it is written. */
function keyAt(content: string, at: number): string {
  return /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s:]+)/.exec(content.slice(at))?.[0] ?? "a key";
}

async function parseToml(content: string, path: string): Promise<unknown> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(content);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw malformed(path, error.line, error.message.split("\n")[0]!, error);
  }
}

async function parseJson(content: string, path: string): Promise<unknown> {
  // JSON is YAML too, and that parser tells the line, also of a key that is there twice.
  await parseYaml(content, path);
  try {
    return JSON.parse(content);
  } catch (error) {
    throw malformed(path, 1, (error as Error).message, error);
  }
}

function malformed(path: string, line: number, reason: string, cause: unknown): ServerledgeError {
  return new ServerledgeError("CONFIG_INVALID", `${path}, line ${line}: ${reason}`, { cause });
}

/**
 * Parses configuration files in YAML, TOML or JSON. Each parser is loaded only when it is needed.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { isObject } from "../../json/json.ts";

/** Extensions of configuration files, in the order of the search. */
export const configEndings: readonly string[] = ["yaml", "yml", "toml", "json"];

/**
 * Parses a configuration file. Its extension determines the format; without one it is YAML.
 *
 * @param content content of the file
 * @param path path of the file, for messages
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
  throw new ServerledgeError("CONFIG_INVALID", `${path}: expected a mapping of keys to values`);
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

/** Returns the key that begins at a position of the text. */
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
  // JSON is also YAML, whose parser reports lines, including that of a duplicate key.
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

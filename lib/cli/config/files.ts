/**
 * Finds and reads configuration files, and merges all sources of the configuration.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { fileProblem } from "../../base/text_file.ts";
import { type ConfigSource, resolveConfig, type ResolvedConfig } from "../../config/config.ts";
import { commandLineSource, environmentSource } from "./sources.ts";
import { configEndings, parseConfigText } from "./text.ts";
import type { ConfigOptions } from "../options/options.ts";

const baseName = "serverledge-conf";

/**
 * Loads the effective configuration: defaults, then the file, then the environment, then the command
 * line; later sources take precedence.
 *
 * @param options options of `start` or `config`
 * @param port value of `--port`
 * @param env environment variables
 * @throws `CONFIG_INVALID` with the location and the allowed values
 */
export async function loadConfig(
  options: ConfigOptions,
  port: number | undefined,
  env: Readonly<Record<string, string>>,
): Promise<ResolvedConfig> {
  if (options.file !== undefined && options.config !== undefined) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      "CONFIG and --config mean the same: give only one of them",
    );
  }
  const path = options.config ?? options.file;
  const file = path === undefined ? await findConfigFile(env) : await readConfigFile(path);
  const environment = environmentSource(env);
  const resolved = resolveConfig([
    ...(file ? [file] : []),
    environment.source,
    commandLineSource(options, port),
  ]);
  return { ...resolved, warnings: [...resolved.warnings, ...environment.warnings] };
}

/**
 * Returns the port of this machine's node from its configuration file, for clients.
 *
 * @param env environment variables
 * @returns undefined if there is no file
 */
export async function configuredPort(
  env: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const file = await findConfigFile(env);
  return file && resolveConfig([file]).config["api.port"];
}

/** Returns the first configuration file that exists; the places are those of the Go node. */
async function findConfigFile(
  env: Readonly<Record<string, string>>,
): Promise<ConfigSource | undefined> {
  const folders = ["/etc/serverledge", ...(env.HOME ? [env.HOME] : []), "."];
  for (const folder of folders) {
    for (const ending of configEndings) {
      const path = `${folder}/${baseName}.${ending}`;
      const content = await Deno.readTextFile(path).catch((error) => {
        if (isAbsent(error)) return undefined;
        throw unreadable(path, error);
      });
      if (content !== undefined) {
        return { origin: path, values: await parseConfigText(content, path) };
      }
    }
  }
  return undefined;
}

async function readConfigFile(path: string): Promise<ConfigSource> {
  const content = await Deno.readTextFile(path).catch((error) => {
    throw unreadable(path, error);
  });
  return { origin: path, values: await parseConfigText(content, path) };
}

function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

function unreadable(path: string, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "CONFIG_INVALID",
    `Cannot read the configuration ${path}: ${fileProblem(cause)}`,
    { cause },
  );
}

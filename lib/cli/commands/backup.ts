/**
 * Subcommands `serverledge backup` and `serverledge restore`.
 *
 * @module
 */

import { dirname } from "node:path";
import { merge, object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { ServerledgeError } from "../../base/errors.ts";
import { exists, fileProblem } from "../../base/text_file.ts";
import { quantity } from "../../base/quantity.ts";
import { connect } from "../client/session.ts";
import { type Command, defineCommand } from "../command.ts";
import type { Globals } from "../options/options.ts";
import { argumentOf, file, flagOf, optionOf, optionsOf, text } from "../options/parts.ts";
import type { Terminal } from "../terminal.ts";
import { isReadable } from "../view/show.ts";

/** Options that find the data folder of a node. */
const folderOptions = object({
  config: optionOf("--config FILE", file, "Configuration file of the node: YAML, TOML or JSON"),
  set: optionsOf("--set KEY=VALUE", text, "Any configuration key, e.g. data.dir; repeatable"),
});

type FolderOptions = InferValue<typeof folderOptions>;

/** Writes a backup of an embedded registry. */
export const backup: Command = defineCommand({
  name: "backup",
  brief: "Copy the embedded registry of a node to a file",
  description:
    "The node goes on serving requests. The file has functions with their code, keys, and results. It is " +
    "checked, and then replaces FILE. It does not have the configuration and the secrets in it.",
  examples: [
    ["serverledge backup registry.backup", "ask the running node, with a key of an admin"],
    ["serverledge backup --offline registry.backup", "read the data folder; no node has to run"],
  ],
  options: merge(
    object({
      target: argumentOf("FILE", file, "File for the backup"),
      offline: flagOf("--offline", "Read the data folder on this machine instead of asking a node"),
    }),
    folderOptions,
  ),
  async run({ target, offline, ...options }, globals, terminal) {
    const unfinished = `${target}.unfinished`;
    using output = await create(target, unfinished);
    try {
      let source: string | undefined;
      if (offline) {
        const { config, path } = await registryOf(options, globals, terminal);
        requireEmbedded(config["etcd.address"]);
        const { backUp } = await import("../../registry/local/backup.ts");
        backUp(path, unfinished);
        source = path;
      } else {
        using node = await connect(globals, terminal);
        await write(output, node.download("/backup"));
      }
      const { checkBackup } = await import("../../registry/local/backup.ts");
      const contents = checkBackup(unfinished);
      await Deno.rename(unfinished, target);
      const fields = { File: target, ...(source && { Source: source }), ...wire(contents) };
      const what = source === undefined ? "" : ` ${source}`;
      tell(fields, `Backed up${what} to ${target}`, globals, terminal);
    } catch (error) {
      await Deno.remove(unfinished);
      throw error;
    }
  },
});

/** Replaces an embedded registry by a backup. */
export const restore: Command = defineCommand({
  name: "restore",
  brief: "Replace the embedded registry of a stopped node by a backup",
  description: "The backup is checked first. The former registry stays next to the new one as " +
    "registry.db.before-restore.",
  examples: [
    ["serverledge restore registry.backup", "in the data folder of the configuration"],
    ["serverledge restore registry.backup --set data.dir=/srv/node", "in another one"],
  ],
  options: merge(
    object({ source: argumentOf("FILE", file, "File that serverledge backup wrote") }),
    folderOptions,
  ),
  async run({ source, ...options }, globals, terminal) {
    const { config, path } = await registryOf(options, globals, terminal);
    requireEmbedded(config["etcd.address"]);
    requireOwner(dirname(path));
    const { NodeHome } = await import("../../cluster/home.ts");
    // No node can start meanwhile.
    using home = NodeHome.open(config["data.dir"], config["registry.node.id"]);
    const { restore } = await import("../../registry/local/backup.ts");
    const { former, ...contents } = restore(source, path);
    home.keep();
    const fields = { File: path, ...wire(contents), Former: former ?? null };
    const kept = former === undefined ? "" : `; the former registry is ${former}`;
    tell(fields, `Restored ${path}${kept}`, globals, terminal);
  },
});

/** Returns the configuration of a node, and the path of its registry. */
async function registryOf(options: FolderOptions, globals: Globals, { env }: Terminal) {
  const { loadConfig } = await import("../config/files.ts");
  const { dataDirectory } = await import("../../cluster/home.ts");
  const { registryFile } = await import("../../registry/local/registry.ts");
  const given = { ...options, file: undefined, listen: undefined, area: undefined };
  const { config } = await loadConfig(given, globals.port, env);
  return { config, path: `${dataDirectory(config["data.dir"])}/${registryFile}` };
}

function requireEmbedded(etcd: string): void {
  if (etcd === "") return;
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `The registry of this configuration is etcd (${etcd}): use etcdctl snapshot save and restore`,
  );
}

/** Refuses to create files as root in an unused folder of another user, who could not open them. */
function requireOwner(folder: string): void {
  if (Deno.uid() !== 0 || !exists(folder) || exists(`${folder}/lock`)) return;
  const { uid } = Deno.statSync(folder);
  if (uid === 0) return;
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `Cannot restore to ${folder} as root: no node has used it, and it belongs to user ${uid}; restore ` +
      `as this user (sudo -u '#${uid}'), or start its node once before`,
  );
}

async function create(target: string, unfinished: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(unfinished, { create: true, write: true, truncate: true, mode: 0o600 });
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound
      ? `there is no directory ${dirname(target)}`
      : fileProblem(cause);
    throw new ServerledgeError("INVALID_REQUEST", `Cannot write ${target}: ${reason}`, { cause });
  }
}

async function write(output: Deno.FsFile, parts: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const part of parts) {
    for (let at = 0; at < part.length;) at += await output.write(part.subarray(at));
  }
  await output.sync();
}

function wire({ version, functions }: { version: number; functions: number }) {
  return { Layout: version, Functions: functions };
}

function tell(fields: object, sentence: string, globals: Globals, terminal: Terminal): void {
  const { Functions } = fields as { Functions: number };
  const line = isReadable(globals, terminal)
    ? `${sentence} (${quantity(Functions, "function")})`
    : JSON.stringify(fields);
  terminal.out.write(`${line}\n`);
}

/**
 * Subcommand `serverledge keys`.
 *
 * @module
 */

import { merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { listedKeyNames } from "../../access/key.ts";
import type { IssuedKey } from "../../access/key_service.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { WireOf } from "../../json/wire_names.ts";
import type { Answer } from "../client/client.ts";
import { connect } from "../client/session.ts";
import { type Action, type Command, defineGroup, type Subcommand } from "../command.ts";
import { readDuration } from "../options/duration.ts";
import { type ConfigOptions, configOptions, type Globals } from "../options/options.ts";
import { argumentOf, flagOf, optionOf, optionWith, text, whole } from "../options/parts.ts";
import type { Terminal } from "../terminal.ts";
import { isReadable, show } from "../view/show.ts";
import { formatTable } from "../view/table.ts";
import { warn } from "../view/warn.ts";

const list: Subcommand<Action> = {
  name: "list",
  brief: "List keys",
  options: map(object({}), (): Action => async (globals, terminal) => {
    using node = await connect(globals, terminal);
    const answer = await node.get("/keys");
    const { Keys, Unreadable = [] } = answer.json as {
      Keys: WireOf<typeof listedKeyNames>[];
      Unreadable?: { Name: string; Problem: string }[];
    };
    show(answer, globals, terminal, () => keyTable(Keys));
    if (!isReadable(globals, terminal)) return;
    for (const { Name, Problem } of Unreadable) {
      warn(terminal, `The record of key "${Name}" is unreadable (${Problem}): revoke the key`);
    }
  }),
};

const create: Subcommand<Action> = {
  name: "create",
  brief: "Create a key and print it once",
  options: map(
    object({
      name: argumentOf("NAME", text, "Name of the key"),
      role: optionWith("--role ROLE", text, "admin, deployer, invoker or viewer", "invoker"),
      functions: optionWith(
        "--functions PATTERNS",
        text,
        "Names of functions, separated by commas, with * for any characters",
        "*",
      ),
      classes: optionOf(
        "--classes NAMES",
        text,
        "QoS classes that its requests may use, separated by commas; default: all",
      ),
      rate: optionOf(
        "--rate PER_S",
        text,
        "Maximum invocations per second on each node, e.g. 100/s",
      ),
      burst: optionOf("--burst N", whole, "Maximum burst of invocations above the rate"),
      concurrency: optionOf(
        "--concurrency N",
        whole,
        "Maximum concurrent invocations on each node",
      ),
      memory: optionOf(
        "--memory MIB",
        whole,
        "Maximum memory of the functions that its invocations use on each node",
      ),
      expires: optionOf(
        "--expires TIME",
        text,
        "Time until the key expires, such as 90d; default: never",
      ),
    }),
    (options): Action => async (globals, terminal) => {
      using node = await connect(globals, terminal);
      const answer = await node.post("/keys", {
        Name: options.name,
        Role: options.role,
        Functions: listOf(options.functions),
        Classes: listOf(options.classes),
        Rate: rateOf(options.rate),
        Burst: options.burst ?? 0,
        Concurrency: options.concurrency ?? 0,
        MemoryMB: options.memory ?? 0,
        Expires: options.expires === undefined
          ? 0
          : Date.now() + readDuration(options.expires, "--expires"),
      });
      showIssued(answer, globals, terminal);
    },
  ),
};

const rotate: Subcommand<Action> = {
  name: "rotate",
  brief: "Replace the secret of a key and print the new key once",
  options: map(
    object({
      name: argumentOf("NAME", text, "Name of the key"),
      overlap: optionWith(
        "--overlap TIME",
        text,
        "Time for which the former key stays valid",
        "1h",
      ),
      force: flagOf(
        "--force",
        "Rotate the key even if its former one is still valid, which then becomes invalid",
      ),
    }),
    ({ name, overlap, force }): Action => async (globals, terminal) => {
      using node = await connect(globals, terminal);
      const body = {
        OverlapS: readDuration(overlap, "--overlap") / 1000,
        Force: force ?? false,
      };
      showIssued(
        await node.post(`/keys/${encodeURIComponent(name)}/rotate`, body),
        globals,
        terminal,
      );
    },
  ),
};

const revoke: Subcommand<Action> = {
  name: "revoke",
  brief: "Revoke a key on all nodes",
  options: map(
    object({
      name: argumentOf("NAME", text, "Name of the key"),
      force: flagOf("--force", "Revoke the key even if it is the last valid key of an admin"),
    }),
    ({ name, force }): Action => async (globals, terminal) => {
      using node = await connect(globals, terminal);
      const body = { Force: force ?? false };
      const answer = await node.post(`/keys/${encodeURIComponent(name)}/revoke`, body);
      show(answer, globals, terminal, () => `Revoked ${name}`);
    },
  ),
};

const init: Subcommand<Action> = {
  name: "init",
  brief: "Create the first key, with the role admin, on a node's machine",
  options: map(
    merge(
      configOptions,
      object({
        name: optionWith("--name NAME", text, "Name of the key", "admin"),
        force: flagOf("--force", "Create the key even if there is a valid one of an admin"),
      }),
    ),
    ({ name, force, ...options }): Action => async (globals, terminal) => {
      const { id, key } = await firstKey(
        { name, force: force ?? false, options },
        globals,
        terminal,
      );
      const json = { Name: name, Id: id, Key: key };
      showIssued({ text: JSON.stringify(json), json }, globals, terminal);
    },
  ),
};

/** Creates, lists, rotates and revokes keys. */
export const keys: Command = defineGroup({
  name: "keys",
  brief: "Manage the keys that requests need",
  description:
    "Once a key exists, requests need one, except to public functions. A key is printed " +
    "only once; the registry stores only a hash.",
  examples: [
    [
      "serverledge keys init",
      "the first key, with the role admin; give the node's configuration as for start",
    ],
    [
      "serverledge keys create camera --role invoker --functions 'camera-*'",
      "a key for one purpose",
    ],
    [
      "serverledge keys rotate camera --overlap 1d",
      "a new key; the former one stays valid for a day",
    ],
    ["serverledge keys revoke camera", "invalid on all nodes within a second"],
  ],
  subcommands: [list, create, rotate, revoke, init],
  run: (action, globals, terminal) => action(globals, terminal),
});

/** Creates the first key in the registry, or through a running node that requires no key yet. */
async function firstKey(
  { name, force, options }: { name: string; force: boolean; options: ConfigOptions },
  globals: Globals,
  terminal: Terminal,
): Promise<IssuedKey> {
  const { loadConfig } = await import("../config/files.ts");
  const { config } = await loadConfig(options, globals.port, terminal.env);
  const { dataDirectory, isFolderInUse } = await import("../../cluster/home.ts");
  if (config["etcd.address"] === "") {
    const folder = dataDirectory(config["data.dir"]);
    if (isFolderInUse(folder)) {
      const { createKeyThroughNode } = await import("../client/first_key.ts");
      return await createKeyThroughNode({ config, folder }, { name, force }, globals, terminal);
    }
  }
  const { createFirstKeyOf } = await import("../../node/first_key.ts");
  const key = await createFirstKeyOf(config, name, force);
  const { recordCommand } = await import("../../node/audit.ts");
  await recordCommand(config, "keys init", name, Date.now()).catch((error: Error) => {
    warn(terminal, `The audit record cannot be written: ${error.message}`);
  });
  return key;
}

function showIssued(
  answer: Pick<Answer, "text" | "json">,
  globals: Globals,
  terminal: Terminal,
): void {
  const { Name, Key } = answer.json as { Name: string; Key: string };
  show(answer, globals, terminal, () => Key);
  if (!isReadable(globals, terminal)) return;
  terminal.err.write(
    `Key "${Name}" is shown only once. Use it with serverledge login, in ` +
      'SERVERLEDGE_KEY, or as "Authorization: Bearer ..."\n',
  );
}

function keyTable(keys: readonly WireOf<typeof listedKeyNames>[]): string {
  if (keys.length === 0) return "There are no keys";
  const rows = keys.map((key) => [
    key.Name,
    key.Role,
    key.Functions.join(","),
    key.Classes.join(",") || "all",
    quotas(key),
    key.Expires === 0 ? "never" : new Date(key.Expires).toISOString(),
  ]);
  return formatTable(["NAME", "ROLE", "FUNCTIONS", "CLASSES", "QUOTAS", "EXPIRES"], rows);
}

function quotas({ Rate, Burst, Concurrency, MemoryMB }: WireOf<typeof listedKeyNames>): string {
  const all = [
    Rate > 0 ? `${Rate}/s` : "",
    Burst > 0 ? `burst ${Burst}` : "",
    Concurrency > 0 ? `${Concurrency} at once` : "",
    MemoryMB > 0 ? `${MemoryMB} MiB` : "",
  ].filter(Boolean);
  return all.join(", ") || "none";
}

function listOf(value: string | undefined): string[] {
  return (value ?? "").split(",").map((part) => part.trim()).filter(Boolean);
}

function rateOf(value: string | undefined): number {
  if (value === undefined) return 0;
  const rate = /^(\d+(?:\.\d+)?)(\/s)?$/.exec(value)?.[1];
  if (rate !== undefined) return Number(rate);
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `--rate: Expected a number per second such as 100/s, but got "${value}"`,
  );
}

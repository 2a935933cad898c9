/**
 * Subcommand `serverledge secrets`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import type { WireOf } from "../../json/wire_names.ts";
import type { listedSecretNames } from "../../secrets/record.ts";
import { connect } from "../client/session.ts";
import { type Action, type Command, defineGroup, type Subcommand } from "../command.ts";
import { argumentOf, file, flagOf, optionOf, text } from "../options/parts.ts";
import { readSecret } from "../options/secret_input.ts";
import { isReadable, show } from "../view/show.ts";
import { formatTable } from "../view/table.ts";

const name = argumentOf("NAME", text, "Name of the secret");

const list: Subcommand<Action> = {
  name: "list",
  brief: "List secrets, without their values",
  options: map(object({}), (): Action => async (globals, terminal) => {
    using node = await connect(globals, terminal);
    const answer = await node.get("/secrets");
    const { Secrets } = answer.json as { Secrets: WireOf<typeof listedSecretNames>[] };
    show(answer, globals, terminal, () => secretTable(Secrets, Date.now()));
  }),
};

const set: Subcommand<Action> = {
  name: "set",
  brief: "Create a secret or change its value",
  options: map(
    object({
      name,
      file: optionOf("--file FILE", file, "File with the secret; default: standard input"),
      functions: optionOf(
        "--functions PATTERNS",
        text,
        "Functions that may use it, separated by commas, with * for any characters. Without any, " +
          "only an admin may let a function use it. Default: as before",
      ),
      restart: flagOf("--restart", "Replace the instances that have the former value"),
    }),
    ({ name, file, functions, restart }): Action => async (globals, terminal) => {
      const value = await readSecret(`Secret ${name}`, terminal, file);
      using node = await connect(globals, terminal);
      const answer = await node.put(`/secrets/${encodeURIComponent(name)}`, {
        Base64: value.toBase64(),
        Functions: functions?.split(",").map((part) => part.trim()).filter(Boolean),
        Restart: restart ?? false,
      });
      show(answer, globals, terminal, () => `Set ${name}`);
    },
  ),
};

const remove: Subcommand<Action> = {
  name: "delete",
  brief: "Delete a secret",
  options: map(
    object({
      name,
      force: flagOf("--force", "Delete it although functions use it"),
    }),
    ({ name, force }): Action => async (globals, terminal) => {
      using node = await connect(globals, terminal);
      const query = force ? "?force=true" : "";
      const answer = await node.delete(`/secrets/${encodeURIComponent(name)}${query}`);
      show(answer, globals, terminal, () => `Deleted ${name}`);
    },
  ),
};

const rotate: Subcommand<Action> = {
  name: "rotate",
  brief: "Encrypt all secrets with the first key of secrets.key",
  options: map(object({}), (): Action => async (globals, terminal) => {
    using node = await connect(globals, terminal);
    const answer = await node.post("/secret-key/rotate", {});
    const { KeyId, Secrets } = answer.json as { KeyId: string; Secrets: number };
    show(answer, globals, terminal, () => `Encrypted ${Secrets} secrets with key ${KeyId}`);
  }),
};

const key: Subcommand<Action> = {
  name: "key",
  brief: "Create the key that encrypts secrets",
  options: command(
    "create",
    map(
      object({
        path: argumentOf("FILE", file, "Key file"),
        add: flagOf("--add", "Add a key to the file; the former keys still decrypt"),
      }),
      ({ path, add }): Action => async (globals, terminal) => {
        const { addKey, createKeyFile } = await import("../../secrets/key_ring.ts");
        const id = await (add ? addKey : createKeyFile)(path);
        terminal.out.write(
          isReadable(globals, terminal)
            ? `Key ${id} in ${path}: copy the file to all nodes of the cluster, and keep a copy\n`
            : `${JSON.stringify({ KeyId: id, File: path }, null, "\t")}\n`,
        );
      },
    ),
    { brief: message`Create a key file that only you can read` },
  ),
};

/** Sets, lists, deletes and re-encrypts secrets. */
export const secrets: Command = defineGroup({
  name: "secrets",
  brief: "Manage the secrets of functions",
  description:
    "Secrets are encrypted in the registry. Functions get them as environment variables or " +
    "files (create --secret); nothing shows them again.",
  examples: [
    ["serverledge secrets set DB_PASSWORD", "ask for the secret"],
    ["serverledge secrets set token --file token.txt --functions 'camera-*'", "for some functions"],
    ["serverledge create db --src db.py --handler db.main --secret DB_PASSWORD", "use it"],
    ["serverledge secrets set DB_PASSWORD --restart", "change it, and replace running instances"],
    ["serverledge secrets key create /etc/serverledge/secrets.key", "the key of a cluster"],
  ],
  subcommands: [list, set, remove, rotate, key],
  run: (action, globals, terminal) => action(globals, terminal),
});

/**
 * Formats secrets as a table for people.
 *
 * @param now ms since the Unix epoch
 */
export function secretTable(
  secrets: readonly WireOf<typeof listedSecretNames>[],
  now: number,
): string {
  if (secrets.length === 0) return "There are no secrets";
  const rows = secrets.map((secret) => [
    secret.Name,
    age(now - secret.Updated),
    age(now - secret.Created),
    secret.Functions.join(",") || "any, set by an admin",
    secret.UsedBy.join(",") || "nothing",
    secret.Readable ? secret.KeyId : `${secret.KeyId} (not on this node)`,
  ]);
  return formatTable(["NAME", "CHANGED", "CREATED", "FOR FUNCTIONS", "USED BY", "KEY"], rows);
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  for (const [unit, size] of [["d", 86_400], ["h", 3600], ["min", 60]] as const) {
    if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${seconds} s`;
}

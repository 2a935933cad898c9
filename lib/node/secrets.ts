/**
 * Secrets of a node.
 *
 * @module
 */

import { logger } from "../base/log.ts";
import type { FunctionRecord } from "../model/function.ts";
import { secretReferences } from "../model/secret_reference.ts";
import { RecordTable } from "../registry/record_table.ts";
import { ImageLogins, loginKind } from "../secrets/image_logins.ts";
import { KeyRing } from "../secrets/key_ring.ts";
import { secretKind, type SecretRecord } from "../secrets/record.ts";
import { SecretService } from "../secrets/secret_service.ts";
import { unreadableRecords } from "../secrets/unreadable.ts";
import type { NodeBase } from "./base.ts";
import type { NodeStorage } from "./storage.ts";

/** Secrets of a node. */
export interface NodeSecrets {
  readonly secrets: SecretService;
  readonly imageLogins: ImageLogins;
  /** The encrypted secrets in memory. */
  readonly secretTable: RecordTable<SecretRecord>;
  readonly secretHealth: {
    /** Current problems. */
    problems(): string[];
  };
}

/**
 * Opens the secrets.
 *
 * @throws `CONFIG_INVALID` if there are keys that cannot be used
 */
export async function openSecrets(
  { config, home, clock, built }: NodeBase,
  { registry, memory, catalog }: NodeStorage,
): Promise<NodeSecrets> {
  const keys = new KeyRing({
    setting: config["secrets.key"],
    file: home.of("secrets.key"),
    mayCreate: config["etcd.address"] === "",
  });
  const known = new Set((await keys.keys()).map(({ id }) => id));
  const secretTable = built.use(await RecordTable.open(secretKind, registry, memory));
  const unreadable = secretTable.list().filter(({ keyId }) => !known.has(keyId));
  if (unreadable.length > 0) {
    logger("node").warn(
      "{count} secrets, such as {name}, are encrypted with keys that this node does not have (secrets.key)",
      { count: unreadable.length, name: unreadable[0]!.name },
    );
  }
  const secrets = new SecretService({
    collection: registry.collection(secretKind),
    table: secretTable,
    keys,
    functions: () => catalog.list(),
    clock,
  });
  const loginTable = built.use(await RecordTable.open(loginKind, registry, memory));
  const imageLogins = new ImageLogins({
    collection: registry.collection(loginKind),
    table: loginTable,
    keys,
    clock,
  });
  const secretHealth = {
    problems(): string[] {
      const records = { secrets: secretTable.list(), logins: loginTable.list() };
      const problem = unreadableRecords(keys.knownIds, records);
      if (problem === undefined) return [];
      // The key file may have changed since it was read, which the next request then knows.
      void keys.keys().catch(() => {});
      return [`secrets: ${problem}`];
    },
  };
  // After a rotation by another node, the keys are read before somebody asks for problems.
  for (const table of [secretTable, loginTable]) built.use(table.onChange(secretHealth.problems));
  return { secrets, secretTable, imageLogins, secretHealth };
}

/**
 * Replaces instances with a secret whenever the secret was set with the request to do so.
 *
 * @param restart replaces the instances of a function
 */
export function restartOnChange(
  { secretTable }: NodeSecrets,
  functions: () => readonly FunctionRecord[],
  restart: (record: FunctionRecord) => void,
): Disposable {
  const times = () => new Map(secretTable.list().map(({ name, restarted }) => [name, restarted]));
  let known = times();
  return secretTable.onChange(() => {
    const now = times();
    const changed = new Set(
      [...now].filter(([name, time]) => time !== (known.get(name) ?? 0))
        .map(([name]) => name),
    );
    known = now;
    if (changed.size === 0) return;
    for (const record of functions()) {
      if (secretReferences(record.secrets).some(({ secret }) => changed.has(secret))) {
        restart(record);
      }
    }
  });
}

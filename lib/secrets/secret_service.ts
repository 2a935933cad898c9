/**
 * Sets, lists, deletes and re-encrypts secrets, and gives them to instances.
 *
 * @module
 */

import type { Principal } from "../access/principal.ts";
import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import type { FunctionRecord } from "../model/function.ts";
import { secretReferences } from "../model/secret_reference.ts";
import type { Collection } from "../registry/collection.ts";
import type { RecordTable } from "../registry/record_table.ts";
import type { InstanceSecrets, SecretSource } from "./instance_secrets.ts";
import type { KeyRing } from "./key_ring.ts";
import { reseal } from "./reseal.ts";
import { type ListedSecret, mayUse, type SecretRecord } from "./record.ts";

/** Maximum size of a secret, bytes. */
export const maxSecretBytes = 64 << 10;
/** Maximum number of secrets, which every node keeps in memory, encrypted. */
export const maxSecrets = 1000;
/** Maximum size of all secrets, bytes. */
export const maxTotalBytes = 16 << 20;
/** Maximum number of attempts to set a secret that others change at the same time. */
const maxAttempts = 3;

/** Value of a secret, and what else is set with it. */
export interface SecretChange {
  readonly value: Uint8Array<ArrayBuffer>;
  /** Patterns of the functions that may use it; undefined: unchanged, and all for a new secret. */
  readonly functions?: readonly string[] | undefined;
  /** True to replace instances that have the former value. */
  readonly restart: boolean;
}

/** Secrets that were encrypted with the current key. */
export interface Rotation {
  /** Id of the key. */
  readonly keyId: string;
  /** Number of secrets that have it now. */
  readonly secrets: number;
}

/** Dependencies of {@link SecretService}. */
export interface SecretServiceOptions {
  /** The secrets in the registry. */
  readonly collection: Collection<SecretRecord>;
  /** The secrets in memory. */
  readonly table: Pick<RecordTable<SecretRecord>, "get" | "list" | "damaged" | "until">;
  readonly keys: Pick<KeyRing, "keys" | "encrypting" | "seal" | "unseal">;
  /** Returns all functions. */
  readonly functions: () => readonly Pick<FunctionRecord, "name" | "secrets">[];
  readonly clock: Pick<Clock, "wall" | "after">;
}

/** The secrets of a node or its cluster. */
export class SecretService implements SecretSource {
  readonly #options: SecretServiceOptions;

  /** Creates a service. */
  constructor(options: SecretServiceOptions) {
    this.#options = options;
  }

  /** Returns all secrets without their values, sorted by name. */
  async list(): Promise<ListedSecret[]> {
    const { keys, table } = this.#options;
    const known = new Set((await keys.keys()).map(({ id }) => id));
    const users = this.#users();
    return table.list().map((record) => ({
      ...record,
      readable: known.has(record.keyId),
      usedBy: users.get(record.name) ?? [],
    }));
  }

  /**
   * Sets a secret. New instances of its functions on this node have the new value when the promise
   * resolves, and those on other nodes within a second.
   *
   * @throws `PAYLOAD_TOO_LARGE`, `UNPROCESSABLE`, `CONFIG_INVALID` if there is no key,
   *   `REGISTRY_UNAVAILABLE`
   */
  async set(name: string, { value, functions, restart }: SecretChange): Promise<void> {
    const { table, keys, clock } = this.#options;
    this.#requireRoom(name, value.length);
    const sealed = await keys.seal(name, value);
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const former = table.get(name);
      const now = Math.floor(clock.wall());
      const record: SecretRecord = {
        ...sealed,
        name,
        created: former?.created ?? now,
        updated: now,
        functions: [...functions ?? former?.functions ?? []],
        restarted: restart ? Math.max(now, (former?.restarted ?? 0) + 1) : former?.restarted ?? 0,
      };
      if (await this.#store(record, former, functions !== undefined)) {
        return await table.until(() => table.get(name)?.nonce === sealed.nonce, clock);
      }
      await table.until(() => table.get(name) !== former, clock);
    }
    throw new ServerledgeError(
      "UNPROCESSABLE",
      `Secret "${name}" was changed by another request: set it again`,
    );
  }

  /**
   * Deletes a secret.
   *
   * @param force true to delete it although functions use it, which then cannot start
   * @throws `SECRET_UNKNOWN`, `SECRET_IN_USE`, `REGISTRY_UNAVAILABLE`
   */
  async delete(name: string, force: boolean): Promise<void> {
    const { table, collection, clock } = this.#options;
    const users = this.#users().get(name) ?? [];
    if (users.length > 0 && !force) {
      throw new ServerledgeError(
        "SECRET_IN_USE",
        `Secret "${name}" is used by ${
          users.join(", ")
        }: update or delete these functions first, or force the ` +
          "deletion (their new instances cannot start then)",
        { details: { functions: users } },
      );
    }
    if (!await collection.delete(name)) throw unknown(name);
    await table.until(() => table.get(name) === undefined, clock);
  }

  /**
   * Re-encrypts all secrets with the current key.
   *
   * @throws as {@link reseal}
   */
  async rotate(): Promise<Rotation> {
    const { table, keys, collection } = this.#options;
    const records = table.list();
    const keyId = await reseal(keys, {
      collection,
      records,
      nameOf: ({ name }) => name,
      describe: ({ name }) => `secret "${name}"`,
    });
    return { keyId, secrets: records.length };
  }

  /**
   * Requires that a client may let a function use secrets: an admin, secrets that are for the function
   * or for any; others, only secrets that are for the function by name. For others, the error does not depend
   * on whether the secret exists.
   *
   * @param texts references of the function, see `secret_reference.ts`
   * @throws `FORBIDDEN`, `UNPROCESSABLE` for an unknown secret
   */
  requireUsable(
    principal: Pick<Principal, "may">,
    functionName: string,
    texts: readonly string[],
  ): void {
    for (const { secret } of secretReferences(texts)) {
      const record = this.#options.table.get(secret);
      const isAdmin = principal.may("admin");
      if (!record && isAdmin) {
        throw new ServerledgeError(
          "UNPROCESSABLE",
          `Secrets: there is no secret "${secret}": create it with serverledge secrets set ${secret}`,
          { details: { path: "Secrets" } },
        );
      }
      const isUsable = record && mayUse(record, functionName) &&
        (isAdmin || record.functions.length > 0);
      if (isUsable) continue;
      throw new ServerledgeError(
        "FORBIDDEN",
        `The secret "${secret}" is not for a function named "${functionName}": an admin can permit it with ` +
          `serverledge secrets set ${secret} --functions '${functionName}'`,
        { details: { path: "Secrets" } },
      );
    }
  }

  async forInstance(
    { name, secrets }: Pick<FunctionRecord, "name" | "secrets">,
  ): Promise<InstanceSecrets | undefined> {
    if (secrets.length === 0) return undefined;
    const variables: Record<string, string> = {};
    const files: Record<string, Uint8Array<ArrayBuffer>> = {};
    for (const { secret, variable, file } of secretReferences(secrets)) {
      const value = await this.#open(secret, name);
      if (file !== undefined) files[file] = value;
      else variables[variable] = variableValue(secret, value);
    }
    return { variables, files };
  }

  async #open(secret: string, functionName: string): Promise<Uint8Array<ArrayBuffer>> {
    const record = this.#options.table.get(secret);
    if (!record) {
      const isDamaged = this.#options.table.damaged.some(({ id }) => id === secret);
      throw unusable(
        secret,
        `${isDamaged ? "its record in the registry is unreadable" : "it does not exist"}: ` +
          `serverledge secrets set ${secret} creates it`,
      );
    }
    if (!mayUse(record, functionName)) {
      throw unusable(secret, `it is only for functions named ${record.functions.join(", ")}`);
    }
    const unsealed = await this.#options.keys.unseal(secret, record);
    if ("value" in unsealed) return unsealed.value;
    throw unusable(secret, unsealed.problem);
  }

  /**
   * Stores a record. Patterns that are not given are those that this node knows, so they must still be the
   * current ones: another node may just have narrowed them.
   *
   * @returns false if they are not
   */
  async #store(
    record: SecretRecord,
    former: SecretRecord | undefined,
    hasPatterns: boolean,
  ): Promise<boolean> {
    const { collection, table } = this.#options;
    if (hasPatterns || table.damaged.some(({ id }) => id === record.name)) {
      await collection.put(record);
      return true;
    }
    return await (former ? collection.replace(former, record) : collection.create(record));
  }

  #requireRoom(name: string, size: number): void {
    const { table } = this.#options;
    if (size > maxSecretBytes) {
      throw new ServerledgeError(
        "PAYLOAD_TOO_LARGE",
        `Secret "${name}" has ${size} bytes: the maximum is ${maxSecretBytes}`,
      );
    }
    const others = table.list().filter((other) => other.name !== name);
    const total = others.reduce((sum, { data }) => sum + data.length * 3 / 4, size);
    if (others.length < maxSecrets && total <= maxTotalBytes) return;
    throw new ServerledgeError(
      "UNPROCESSABLE",
      `There are ${others.length} other secrets: all together may be ${maxSecrets} with ` +
        `${maxTotalBytes >> 20} MiB, delete some first`,
    );
  }

  /** Returns the names of the functions that use each secret. */
  #users(): Map<string, string[]> {
    const users = new Map<string, string[]>();
    for (const { name, secrets } of this.#options.functions()) {
      for (const secret of new Set(secretReferences(secrets).map(({ secret }) => secret))) {
        users.set(secret, [...users.get(secret) ?? [], name]);
      }
    }
    return users;
  }
}

/** @throws `INSTANCE_START_FAILED` if the value cannot be that of a variable */
function variableValue(secret: string, value: Uint8Array<ArrayBuffer>): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
    if (!text.includes("\0")) return text;
  } catch {
    // Not UTF-8.
  }
  throw unusable(secret, "it is no text, so use it as a file: NAME=/run/secrets/FILE");
}

function unusable(secret: string, problem: string): ServerledgeError {
  return new ServerledgeError(
    "INSTANCE_START_FAILED",
    `The instance cannot have the secret "${secret}": ${problem}`,
    { details: { secret } },
  );
}

function unknown(name: string): ServerledgeError {
  return new ServerledgeError(
    "SECRET_UNKNOWN",
    `There is no secret "${name}": serverledge secrets list shows all`,
  );
}

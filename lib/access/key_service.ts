/**
 * Creates, rotates and revokes keys.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { Collection } from "../registry/collection.ts";
import type { RecordTable } from "../registry/record_table.ts";
import { formatKey, type Grant, isExpired, keyIdLength, type KeyRecord, newSecret } from "./key.ts";

/** A key that its owner sees once. */
export interface IssuedKey {
  readonly name: string;
  readonly id: string;
  /** The whole key, which cannot be shown again. */
  readonly key: string;
}

/** Changes the keys of the registry. */
export class KeyService {
  readonly #collection: Collection<KeyRecord>;
  readonly #table: Pick<RecordTable<KeyRecord>, "get" | "list">;
  readonly #clock: Pick<Clock, "wall">;

  /**
   * Creates a service.
   *
   * @param collection the keys in the registry
   * @param table the keys in memory
   */
  constructor(
    collection: Collection<KeyRecord>,
    table: Pick<RecordTable<KeyRecord>, "get" | "list">,
    clock: Pick<Clock, "wall">,
  ) {
    this.#collection = collection;
    this.#table = table;
    this.#clock = clock;
  }

  /** Returns all keys, sorted by name. */
  list(): KeyRecord[] {
    return this.#table.list();
  }

  /**
   * Creates a key.
   *
   * @throws `KEY_EXISTS`, `FORBIDDEN` if it is the first one and not of an admin, `REGISTRY_UNAVAILABLE`
   */
  async create(grant: Grant): Promise<IssuedKey> {
    if (grant.role !== "admin" && this.#table.list().length === 0) {
      throw new ServerledgeError(
        "FORBIDDEN",
        `Create a key with the role admin first: with "${grant.name}" as the only one, nobody could create others`,
      );
    }
    const { secret, hash } = newSecret();
    const id = randomId(keyIdLength);
    const record = { ...grant, id, hash, created: this.#clock.wall() };
    if (await this.#collection.create(record)) {
      return { name: grant.name, id, key: formatKey(id, secret) };
    }
    throw new ServerledgeError(
      "KEY_EXISTS",
      `A key named "${grant.name}" already exists: choose another name, or rotate or revoke that key`,
    );
  }

  /**
   * Gives a key another secret.
   *
   * @param overlapMs time for which the former secret stays valid
   * @throws `KEY_UNKNOWN`, `REGISTRY_UNAVAILABLE`
   */
  async rotate(name: string, overlapMs: number): Promise<IssuedKey> {
    const record = this.#find(name);
    const { secret, hash } = newSecret();
    const formerUntil = Math.floor(this.#clock.wall() + overlapMs);
    const rotated = { ...record, hash, formerHash: record.hash, formerUntil };
    // A key that another node has just revoked must not come back.
    if (!await this.#collection.replace(record, rotated)) throw unknown(name);
    return { name, id: record.id, key: formatKey(record.id, secret) };
  }

  /**
   * Removes a key.
   *
   * @param force true to revoke the last key of an admin
   * @throws `KEY_UNKNOWN`, `FORBIDDEN` for the last key of an admin, `REGISTRY_UNAVAILABLE`
   */
  async revoke(name: string, force: boolean): Promise<void> {
    const record = this.#find(name);
    const now = this.#clock.wall();
    const others = this.#table.list().filter((other) =>
      other.name !== name && other.role === "admin" && !isExpired(other, now)
    );
    if (record.role === "admin" && others.length === 0 && !force) {
      throw new ServerledgeError(
        "FORBIDDEN",
        `Key "${name}" is the last key of an admin: create another one first, or force the ` +
          "revocation (afterwards only serverledge keys init on a node's machine can create " +
          "one)",
      );
    }
    await this.#collection.delete(name);
  }

  #find(name: string): KeyRecord {
    const record = this.#table.get(name);
    if (record) return record;
    throw unknown(name);
  }
}

function unknown(name: string): ServerledgeError {
  return new ServerledgeError(
    "KEY_UNKNOWN",
    `There is no key "${name}", or it was changed just now: serverledge keys list shows all keys`,
  );
}

/**
 * Creates, rotates and revokes keys.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { Collection, DamagedRecord } from "../registry/collection.ts";
import type { RecordTable } from "../registry/record_table.ts";
import {
  formatKey,
  type Grant,
  hasAdmin,
  isExpired,
  keyIdLength,
  type KeyRecord,
  newSecret,
} from "./key.ts";

/** A key that its owner sees once. */
export interface IssuedKey {
  readonly name: string;
  readonly id: string;
  /** The whole key, which cannot be shown again. */
  readonly key: string;
}

/** The keys in memory. */
type KeyTable = Pick<RecordTable<KeyRecord>, "get" | "list" | "damaged">;

/** Changes the keys of the registry. */
export class KeyService {
  readonly #collection: Collection<KeyRecord>;
  readonly #table: KeyTable;
  readonly #clock: Pick<Clock, "wall">;
  readonly #acceptsTokens: boolean;

  /**
   * Creates a service.
   *
   * @param collection the keys in the registry
   * @param table the keys in memory
   * @param acceptsTokens true if admins need no key, since the node accepts tokens of an identity provider
   */
  constructor(
    collection: Collection<KeyRecord>,
    table: KeyTable,
    clock: Pick<Clock, "wall">,
    acceptsTokens = false,
  ) {
    this.#acceptsTokens = acceptsTokens;
    this.#collection = collection;
    this.#table = table;
    this.#clock = clock;
  }

  /** Returns all readable keys, sorted by name. */
  list(): KeyRecord[] {
    return this.#table.list();
  }

  /** Returns the keys whose records are unreadable, with their names as ids. They can only be revoked. */
  damaged(): readonly DamagedRecord[] {
    return this.#table.damaged;
  }

  /**
   * Creates a key.
   *
   * @throws `KEY_EXISTS`, `FORBIDDEN` if there is no key of an admin and it is none, `REGISTRY_UNAVAILABLE`
   */
  async create(grant: Grant): Promise<IssuedKey> {
    if (grant.role !== "admin" && !this.#hasAdmin(this.#table.list())) {
      throw new ServerledgeError(
        "FORBIDDEN",
        `Create a key with the role admin first: with "${grant.name}" and no valid one of an admin, nobody could create others`,
      );
    }
    const { secret, hash } = newSecret();
    const id = randomId(keyIdLength);
    const record = { ...grant, id, hash, created: this.#clock.wall() };
    if (await this.#collection.create(record)) {
      return { name: grant.name, id, key: formatKey(id, secret) };
    }
    throw this.#exists(grant.name);
  }

  /**
   * Gives a key another secret.
   *
   * @param overlapMs time for which the former secret stays valid
   * @param force true to rotate during the overlap of an earlier rotation, whose former secret becomes invalid
   * @throws `KEY_UNKNOWN`, `FORBIDDEN` for an expired key and during an overlap, `REGISTRY_UNAVAILABLE`
   */
  async rotate(name: string, overlapMs: number, force: boolean): Promise<IssuedKey> {
    const record = this.#find(name);
    const now = this.#clock.wall();
    if (isExpired(record, now)) {
      throw new ServerledgeError(
        "FORBIDDEN",
        `Key "${name}" expired at ${timeOf(record.expires)}: revoke it, and create another one`,
      );
    }
    const { formerUntil: promised = 0 } = record;
    if (promised > now && !force) {
      throw new ServerledgeError(
        "FORBIDDEN",
        `Key "${name}" was rotated before, and its former key is valid until ${
          timeOf(promised)
        }: wait until ` +
          "then, or add --force to make the former key invalid now",
      );
    }
    const { secret, hash } = newSecret();
    const formerUntil = Math.floor(now + overlapMs);
    const rotated = { ...record, hash, formerHash: record.hash, formerUntil };
    // A key that another node has just revoked must not come back.
    if (!await this.#collection.replace(record, rotated)) throw unknown(name);
    return { name, id: record.id, key: formatKey(record.id, secret) };
  }

  /**
   * Removes a key, also an unreadable one.
   *
   * @param force true to revoke the last valid key of an admin
   * @throws `KEY_UNKNOWN`, `FORBIDDEN` for the last valid key of an admin, `REGISTRY_UNAVAILABLE`
   */
  async revoke(name: string, force: boolean): Promise<void> {
    const keys = this.#table.list();
    const others = keys.filter((key) => key.name !== name);
    if (!force && this.#hasAdmin(keys) && !this.#hasAdmin(others)) {
      throw new ServerledgeError(
        "FORBIDDEN",
        `Key "${name}" is the last valid key of an admin: create another one first, or add --force. ` +
          "Afterwards nobody can manage keys through a node, and running nodes that require keys go on to " +
          "do so; serverledge keys init on a node's machine creates the next one",
      );
    }
    if (!await this.#collection.delete(name)) throw unknown(name);
  }

  #hasAdmin(keys: readonly KeyRecord[]): boolean {
    return this.#acceptsTokens || hasAdmin(keys, this.#clock.wall());
  }

  #exists(name: string): ServerledgeError {
    return new ServerledgeError(
      "KEY_EXISTS",
      this.#isDamaged(name)
        ? `A key named "${name}" exists, and its record is unreadable: revoke it first, or choose another name`
        : `A key named "${name}" already exists: choose another name, or rotate or revoke that key`,
    );
  }

  #find(name: string): KeyRecord {
    const record = this.#table.get(name);
    if (record) return record;
    throw unknown(name, this.#isDamaged(name));
  }

  #isDamaged(name: string): boolean {
    return this.#table.damaged.some(({ id }) => id === name);
  }
}

function unknown(name: string, isDamaged = false): ServerledgeError {
  return new ServerledgeError(
    "KEY_UNKNOWN",
    isDamaged
      ? `The record of key "${name}" is unreadable: revoke it, and create another one`
      : `There is no key "${name}", or it was changed just now: serverledge keys list shows all keys`,
  );
}

function timeOf(moment: number): string {
  return new Date(moment).toISOString();
}

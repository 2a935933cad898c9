/**
 * The first key, which no other key is needed to create.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { type Grant, hasAdmin, isExpired, type KeyRecord, unlimitedGrant } from "./key.ts";
import type { IssuedKey } from "./key_service.ts";

/** The keys of a registry, and how to change them. */
export interface KeyStore {
  readonly keys: readonly Pick<KeyRecord, "name" | "role" | "expires">[];
  /** Names of keys whose records are unreadable. */
  readonly damaged: readonly string[];
  create(grant: Grant): Promise<IssuedKey>;
  revoke(name: string): Promise<void>;
}

/**
 * Creates a key of an admin in place of an expired or unreadable one with its name.
 *
 * @param force true even if there is a valid key of an admin
 * @param now ms since the Unix epoch
 * @throws `KEY_EXISTS`, `INVALID_REQUEST` for an invalid name, and the errors of the store
 */
export async function createFirstKey(
  { keys, damaged, create, revoke }: KeyStore,
  name: string,
  force: boolean,
  now: number,
): Promise<IssuedKey> {
  const grant = unlimitedGrant(name, "admin");
  if (!force && hasAdmin(keys, now)) {
    const names = keys.filter((key) => hasAdmin([key], now)).map((key) => key.name).join(", ");
    throw new ServerledgeError(
      "KEY_EXISTS",
      `There are keys of admins already (${names}): create others with one of them, or add --force`,
    );
  }
  const present = keys.find((key) => key.name === name);
  if (present && !isExpired(present, now)) {
    throw new ServerledgeError(
      "KEY_EXISTS",
      `A key named "${name}" already exists (role ${present.role}): choose another name with --name`,
    );
  }
  if (present || damaged.includes(name)) await revoke(name);
  return await create(grant);
}

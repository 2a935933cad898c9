/**
 * Secrets and logins whose key a node does not have.
 *
 * @module
 */

import { quantity } from "../base/quantity.ts";
import type { Sealed } from "./cipher.ts";

/** Records that are encrypted. */
export interface EncryptedRecords {
  readonly secrets: readonly Pick<Sealed, "keyId">[];
  readonly logins: readonly Pick<Sealed, "keyId">[];
}

/**
 * Counts the records whose key is missing, without their names.
 *
 * @param keyIds ids of the keys that the node has
 * @returns a sentence; undefined if the node has all keys
 */
export function unreadableRecords(
  keyIds: ReadonlySet<string>,
  { secrets, logins }: EncryptedRecords,
): string | undefined {
  const missing = (records: readonly Pick<Sealed, "keyId">[]) =>
    records.filter(({ keyId }) => !keyIds.has(keyId)).length;
  const counts = [[missing(secrets), "secret"], [missing(logins), "login"]] as const;
  const named = counts.filter(([count]) => count > 0).map(([count, noun]) => quantity(count, noun));
  if (named.length === 0) return undefined;
  return `this node does not have the key (secrets.key) that decrypts ${named.join(" and ")}`;
}

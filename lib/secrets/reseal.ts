/**
 * Re-encryption of records with the current key.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import type { Collection } from "../registry/collection.ts";
import type { Sealed } from "./cipher.ts";
import type { KeyRing } from "./key_ring.ts";

/** Records that are encrypted. */
export interface SealedRecords<T extends Sealed> {
  readonly collection: Pick<Collection<T>, "replace">;
  readonly records: readonly T[];
  /** Returns the name that the ciphertext is bound to. */
  readonly nameOf: (record: T) => string;
  /** Describes a record to people, e.g. `secret "A"`. */
  readonly describe: (record: T) => string;
}

/**
 * Encrypts all records that have another key than the current one.
 *
 * @returns id of the current key
 * @throws `CONFIG_INVALID` if a key cannot be used, `UNPROCESSABLE` if a record cannot be decrypted or is
 *   changed in the meantime, `REGISTRY_UNAVAILABLE`
 */
export async function reseal<T extends Sealed>(
  keys: Pick<KeyRing, "encrypting" | "seal" | "unseal">,
  { collection, records, nameOf, describe }: SealedRecords<T>,
): Promise<string> {
  const { id } = await keys.encrypting();
  for (const record of records) {
    if (record.keyId === id) continue;
    const name = nameOf(record);
    const unsealed = await keys.unseal(name, record);
    if (!("value" in unsealed)) {
      throw new ServerledgeError(
        "UNPROCESSABLE",
        `Cannot encrypt ${describe(record)} again: ${unsealed.problem}`,
      );
    }
    const resealed = { ...record, ...await keys.seal(name, unsealed.value) };
    if (await collection.replace(record, resealed)) continue;
    // Its new value may be encrypted with a former key, by a node whose file has that one first.
    throw new ServerledgeError(
      "UNPROCESSABLE",
      `Cannot encrypt ${
        describe(record)
      } again: it was changed or deleted in the meantime; rotate again`,
    );
  }
  return id;
}

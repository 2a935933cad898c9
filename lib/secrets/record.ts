/**
 * Records of secrets in the registry: ciphertext, and who may use it.
 *
 * @module
 */

import * as v from "valibot";
import { matches } from "../access/role.ts";
import { type InsideOf, wireNames } from "../json/wire_names.ts";
import { functionPattern } from "../model/function.ts";
import { secretName } from "../model/secret_reference.ts";
import type { RecordKind } from "../registry/collection.ts";

const moment = v.pipe(v.number(), v.integer(), v.minValue(0));
const base64 = v.pipe(v.string(), v.base64());

/** Schemas of an encrypted value in a record. */
export const sealedEntries = {
  KeyId: v.pipe(v.string(), v.description("Id of the key that encrypts it")),
  Nonce: base64,
  Data: base64,
};

/** Schema of the patterns of the functions that may use a secret. */
export const secretFunctions = v.pipe(
  v.array(functionPattern, "expected a list of names of functions"),
  v.maxLength(64, "expected at most 64"),
  v.description(
    "Names of the functions that may use it, with * for any characters; empty: any function, " +
      "but only an admin may let a function use it",
  ),
);

const entries = {
  Name: v.pipe(secretName, v.description("Name of the secret")),
  Created: v.pipe(moment, v.description("When it was created, ms since the Unix epoch")),
  Updated: v.pipe(moment, v.description("When its value was set last, ms since the Unix epoch")),
  Functions: secretFunctions,
  KeyId: sealedEntries.KeyId,
};

const secretSchema = v.object({
  ...entries,
  /** When instances that have it were replaced last, ms since the Unix epoch; 0: never. */
  Restarted: moment,
  ...sealedEntries,
});

const secretNames = wireNames(secretSchema);

/** A secret in the registry. */
export type SecretRecord = InsideOf<typeof secretNames>;

/** Collection of the secrets. */
export const secretKind: RecordKind<SecretRecord> = {
  name: "secrets",
  stored: v.pipe(secretSchema, v.transform(secretNames.fromWire)),
  toWire: secretNames.toWire,
  idOf: ({ name }) => name,
};

/** Schema of a secret in lists. Its value is never shown. */
export const listedSecretSchema = v.object({
  ...entries,
  Readable: v.pipe(v.boolean(), v.description("Whether this node has the key that encrypts it")),
  UsedBy: v.pipe(v.array(v.string()), v.description("Names of the functions that use it")),
});
/** Converts secrets to the format of lists. */
export const listedSecretNames = wireNames(listedSecretSchema);
/** A secret in a list. */
export type ListedSecret = InsideOf<typeof listedSecretNames>;

/** Returns whether a function may use a secret. */
export function mayUse({ functions }: SecretRecord, functionName: string): boolean {
  return functions.length === 0 || functions.some((pattern) => matches(pattern, functionName));
}

/**
 * Access keys: `sl_ID_SECRET`. The registry has the SHA-256 of the secret only.
 *
 * @module
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { parse } from "../json/json.ts";
import { type InsideOf, wireNames } from "../json/wire_names.ts";
import { functionPattern } from "../model/function.ts";
import type { RecordKind } from "../registry/collection.ts";
import { roles } from "./role.ts";

/** Number of characters of the id of a key. */
export const keyIdLength = 12;
/** Values of the header `Authorization` with a key, also among those of several such headers. */
export const keyHeader: RegExp = /(?:^|, *)bearer +sl_/i;
const secretBytes = 32;
const token = /^sl_([a-z0-9]{12})_([0-9a-f]{64})$/;

const count = v.pipe(v.number("expected a number"), v.minValue(0, "expected 0 or more"));
const whole = v.pipe(count, v.integer("expected an integer"));
const moment = v.pipe(v.number(), v.integer());
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** Schema of the name of a key. */
export const keyName = v.pipe(
  v.string("expected a string"),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "expected 1 to 64 letters, digits, '.', '_' or '-', starting with a letter or digit",
  ),
  v.description("Unique name of the key"),
);

/** What a key permits, as clients send it. */
export const grantSchema = v.object({
  Name: keyName,
  Role: v.pipe(
    v.picklist(roles, `expected ${roles.slice(0, -1).join(", ")} or ${roles.at(-1)}`),
    v.description(
      "admin: everything; deployer: creates, invokes and reads functions; invoker: invokes functions and polls " +
        "its own invocations; viewer: reads",
    ),
  ),
  Functions: v.nullish(
    v.pipe(
      v.array(functionPattern, "expected a list"),
      v.minLength(1, "expected at least one pattern"),
      v.maxLength(64, "expected at most 64 patterns"),
      v.description("Names of functions, with * for any characters"),
    ),
    ["*"],
  ),
  Classes: v.nullish(
    v.pipe(
      v.array(v.string("expected the name of a class"), "expected a list"),
      v.maxLength(64, "expected at most 64 classes"),
      v.description("QoS classes that its requests may use; empty: all"),
    ),
    [],
  ),
  Rate: v.nullish(
    v.pipe(count, v.description("Maximum invocations per second on each node; 0: no limit")),
    0,
  ),
  Burst: v.nullish(
    v.pipe(
      whole,
      v.description("Maximum burst of invocations above the rate; 0: the number of one second"),
    ),
    0,
  ),
  Concurrency: v.nullish(
    v.pipe(whole, v.description("Maximum concurrent invocations on each node; 0: no limit")),
    0,
  ),
  MemoryMB: v.nullish(
    v.pipe(
      whole,
      v.description(
        "Maximum memory of the functions that its invocations use on each node, MiB; 0: no limit",
      ),
    ),
    0,
  ),
  Expires: v.nullish(
    v.pipe(moment, v.description("Expiry time, ms since the Unix epoch; 0: never")),
    0,
  ),
});

const keySchema = v.object({
  ...grantSchema.entries,
  /** Public part of the key. */
  Id: v.pipe(v.string(), v.regex(/^[a-z0-9]{12}$/)),
  /** When it was created, ms since the Unix epoch. */
  Created: moment,
  /** SHA-256 of the secret, lower-case hex. */
  Hash: hash,
  /** SHA-256 of the secret before the last rotation; valid until `FormerUntil`. */
  FormerHash: v.optional(hash),
  FormerUntil: v.optional(moment),
});

const exceptions = { MemoryMB: "memoryMib" } as const;
const keyNames = wireNames(keySchema, exceptions);
/** Converts grants from and to the format of clients. */
export const grantNames = wireNames(grantSchema, exceptions);

/** What a key, or a token of an identity provider, permits. */
export type Grant = InsideOf<typeof grantNames>;
/** A registered key. */
export type KeyRecord = InsideOf<typeof keyNames>;

/** Returns what a key permits for which only a role is given: all functions, without quotas. */
export function unlimitedGrant(name: string, role: Grant["role"]): Grant {
  return grantNames.fromWire(parse(grantSchema, { Name: name, Role: role }));
}

/** Collection of the keys. */
export const keyKind: RecordKind<KeyRecord> = {
  name: "keys",
  stored: v.pipe(keySchema, v.transform(keyNames.fromWire)),
  toWire: keyNames.toWire,
  idOf: ({ name }) => name,
};

/** Schema of a key in lists: without hashes. */
export const listedKeySchema = v.omit(keySchema, ["Hash", "FormerHash"]);
/** Converts keys to the format of lists. */
export const listedKeyNames = wireNames(listedKeySchema, exceptions);

/** Names who has a grant in a message. Names of keys have no `@`. */
export function granteeOf({ name }: Pick<Grant, "name">): string {
  return `${name.includes("@") ? "token of" : "key"} "${name}"`;
}

/** A new secret, and its hash. */
export interface NewSecret {
  readonly secret: string;
  readonly hash: string;
}

/** Creates a secret from the system's secure source. */
export function newSecret(): NewSecret {
  const secret = randomBytes(secretBytes).toString("hex");
  return { secret, hash: hashOf(secret) };
}

/** Returns the key as its owner has it. */
export function formatKey(id: string, secret: string): string {
  return `sl_${id}_${secret}`;
}

/**
 * Splits a key.
 *
 * @returns undefined for text of another form
 */
export function parseKey(
  text: string,
): { readonly id: string; readonly secret: string } | undefined {
  const found = token.exec(text);
  return found ? { id: found[1]!, secret: found[2]! } : undefined;
}

/**
 * Returns whether a secret belongs to a key that is valid now.
 *
 * @param now ms since the Unix epoch
 */
export function isValid(record: KeyRecord, secret: string, now: number): boolean {
  const given = hashOf(secret);
  const isCurrent = equal(given, record.hash);
  const isFormer = record.formerHash !== undefined && (record.formerUntil ?? 0) > now &&
    equal(given, record.formerHash);
  return (isCurrent || isFormer) && !isExpired(record, now);
}

/** Returns whether a key has expired. */
export function isExpired({ expires }: Pick<KeyRecord, "expires">, now: number): boolean {
  return expires > 0 && expires <= now;
}

/** Returns whether one of the keys is valid and of an admin, who can create others. */
export function hasAdmin(
  keys: readonly Pick<KeyRecord, "role" | "expires">[],
  now: number,
): boolean {
  return keys.some((key) => key.role === "admin" && !isExpired(key, now));
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function equal(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) => new TextEncoder().encode(text)) as [
    Uint8Array,
    Uint8Array,
  ];
  return one.length === other.length && timingSafeEqual(one, other);
}

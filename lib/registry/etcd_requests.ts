/**
 * Requests of etcd's v3 API in their JSON form: keys and values in base64, 64-bit numbers as text.
 *
 * @see https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/
 * @module
 */

import { endOf } from "./etcd_keys.ts";

/** A condition of a transaction. */
export type Compare = Readonly<Record<string, string>>;

/** A step of a transaction. */
export type Operation = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Conditions, and what to do if they hold or not; done at once or not at all. */
export interface Transaction {
  /** All must hold. */
  readonly compare: readonly Compare[];
  /** Done if they do. */
  readonly success: readonly Operation[];
  /** Done if one does not. */
  readonly failure?: readonly Operation[];
}

/** Bytes, or text, as the API wants them. */
export function encode(value: string | Uint8Array): string {
  return (typeof value === "string" ? new TextEncoder().encode(value) : value).toBase64();
}

/** The range of all keys below a prefix. */
export function below(prefix: string): { readonly key: string; readonly range_end: string } {
  return { key: encode(prefix), range_end: encode(endOf(prefix)) };
}

/** Holds if there is no such key. */
export function absent(key: string): Compare {
  return { key: encode(key), target: "CREATE", result: "EQUAL", create_revision: "0" };
}

/** Holds if there is no key below the prefix. */
export function noneBelow(prefix: string): Compare {
  return { ...below(prefix), target: "CREATE", result: "EQUAL", create_revision: "0" };
}

/** Holds if no key below the prefix was written after the revision; deletions do not count. */
export function unwrittenSince(prefix: string, revision: number): Compare {
  return { ...below(prefix), target: "MOD", result: "LESS", mod_revision: String(revision + 1) };
}

/** Writes a key, ended by a lease if one is given. */
export function put(key: string, value: string | Uint8Array, lease?: string): Operation {
  return { request_put: { key: encode(key), value: encode(value), ...(lease && { lease }) } };
}

/** Reads a key. */
export function read(key: string): Operation {
  return { request_range: { key: encode(key) } };
}

/** Removes a key. */
export function remove(key: string): Operation {
  return { request_delete_range: { key: encode(key) } };
}

/** Removes all keys below a prefix. */
export function removeBelow(prefix: string): Operation {
  return { request_delete_range: below(prefix) };
}

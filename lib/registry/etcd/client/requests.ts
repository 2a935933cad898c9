/**
 * Conditions and operations of etcd transactions, in the format of etcd3.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ICompare, IRequestOp } from "etcd3/lib/rpc.js";
import { endOf } from "../keys.ts";

/** A condition of a transaction. */
export type Compare = Readonly<ICompare>;

/** An operation of a transaction. */
export type Operation = Readonly<IRequestOp>;

/** Atomic transaction: conditions, and the operations for each case. */
export interface Transaction {
  /** Conditions, all of which must be met. */
  readonly compare: readonly Compare[];
  /** Operations if all conditions are met. */
  readonly success: readonly Operation[];
  /** Operations if a condition is not met. */
  readonly failure?: readonly Operation[];
}

/** Converts bytes or text to a Buffer for etcd3; bytes are not copied. */
export function bufferOf(value: string | Uint8Array): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Returns the range of all keys below a prefix. */
export function below(prefix: string): { readonly key: Buffer; readonly range_end: Buffer } {
  return { key: bufferOf(prefix), range_end: bufferOf(endOf(prefix)) };
}

/** Condition: the key does not exist. */
export function absent(key: string): Compare {
  return { key: bufferOf(key), target: "Create", result: "Equal", create_revision: "0" };
}

/** Condition: the key has the value. */
export function holds(key: string, value: string): Compare {
  return { key: bufferOf(key), target: "Value", result: "Equal", value: bufferOf(value) };
}

/** Condition: no key with the prefix exists. */
export function noneBelow(prefix: string): Compare {
  return { ...below(prefix), target: "Create", result: "Equal", create_revision: "0" };
}

/** Condition: no key with the prefix was written after the revision; deletions do not count. */
export function unwrittenSince(prefix: string, revision: number): Compare {
  return { ...below(prefix), target: "Mod", result: "Less", mod_revision: String(revision + 1) };
}

/** Writes a key, with a lease if given. */
export function put(key: string, value: string | Uint8Array, lease?: string): Operation {
  return { request_put: { key: bufferOf(key), value: bufferOf(value), ...(lease && { lease }) } };
}

/** Reads a key. */
export function read(key: string): Operation {
  return { request_range: { key: bufferOf(key) } };
}

/** Removes a key. */
export function remove(key: string): Operation {
  return { request_delete_range: { key: bufferOf(key) } };
}

/** Removes all keys below a prefix. */
export function removeBelow(prefix: string): Operation {
  return { request_delete_range: below(prefix) };
}

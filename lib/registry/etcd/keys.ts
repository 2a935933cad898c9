/**
 * Where things are in etcd. The layout has a version: a later one takes another prefix.
 *
 * @module
 */

const root = "/serverledge/v1/";

/** Names the data itself: another value means another, or an emptied, etcd. */
export const identityKey = `${root}identity`;
/** Function records by name. */
export const functionsPrefix = `${root}functions/`;
/** Code by hash: chunks, and a manifest that is written last. */
export const codePrefix = `${root}code/`;

/** Registered nodes by id; written with a lease of the node's own. */
export const nodesPrefix = `${root}nodes/`;

/** The record of a function. */
export function functionKey(name: string): string {
  return functionsPrefix + name;
}

/** All keys of some code. */
export function codeFolder(hash: string): string {
  return `${codePrefix}${hash}/`;
}

/** Keeps code from being collected before a function refers to it; written with a lease. */
export function pinKey(hash: string, id: string): string {
  return `${pinsOf(hash)}${id}`;
}

/** All pins of some code. */
export function pinsOf(hash: string): string {
  return `${root}pins/${hash}/`;
}

/** What is known of an async invocation; written with a lease. */
export function resultKey(id: string): string {
  return `${root}results/${id}`;
}

/** Parts of a result that is too large for one request. */
export function resultParts(id: string, version: string): string {
  return `${root}result-parts/${id}/${version}/`;
}

/** Async invocations that have not ended, by id; each names the node that accepted it. */
export const pendingPrefix = `${root}pending/`;

/** The first key after all that begin with a prefix, as etcd's ranges want it. */
export function endOf(prefix: string): string {
  // All prefixes end with a slash; the character after it is the digit zero.
  return `${prefix.slice(0, -1)}0`;
}

/**
 * Keys in etcd. The prefix contains the version of the layout; a later version uses another prefix.
 *
 * @module
 */

const root = "/serverledge/v1/";

/** Key of the identity of the data; another value means another etcd, or an emptied one. */
export const identityKey = `${root}identity`;
/** Prefix of function records by name. */
export const functionsPrefix = `${root}functions/`;
/** Prefix of code by hash: chunks, and a manifest that is written last. */
export const codePrefix = `${root}code/`;

/** Prefix of registered nodes by id; each is written with a lease of its own. */
export const nodesPrefix = `${root}nodes/`;

/** Returns the prefix of the records of a collection, by id. */
export function recordsPrefix(collection: string): string {
  return `${root}${collection}/`;
}

/** Returns the key of a function's record. */
export function functionKey(name: string): string {
  return functionsPrefix + name;
}

/** Returns the prefix of all keys of some code. */
export function codeFolder(hash: string): string {
  return `${codePrefix}${hash}/`;
}

/**
 * Returns the key of a pin, which protects code from being collected before a function refers to it;
 * written with a lease.
 */
export function pinKey(hash: string, id: string): string {
  return `${pinsOf(hash)}${id}`;
}

/** Returns the prefix of all pins of some code. */
export function pinsOf(hash: string): string {
  return `${root}pins/${hash}/`;
}

/** Returns the key of the state of an async invocation; written with a lease. */
export function resultKey(id: string): string {
  return `${root}results/${id}`;
}

/** Returns the prefix of the parts of a result that is too large for one request. */
export function resultParts(id: string, version: string): string {
  return `${root}result-parts/${id}/${version}/`;
}

/** Prefix of async invocations that have not ended, by id; each names the node that accepted it. */
export const pendingPrefix = `${root}pending/`;

/** Returns the first key after all keys with a prefix, as the end of an etcd range. */
export function endOf(prefix: string): string {
  // All prefixes end with a slash, which the digit zero follows in ASCII.
  return `${prefix.slice(0, -1)}0`;
}

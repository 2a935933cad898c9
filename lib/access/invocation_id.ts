/**
 * Ids of invocations, which tell who may poll for the result.
 *
 * @module
 */

import type { Principal } from "./principal.ts";

/** Id of an invocation with a key or token: `<function>-<random>.<key id>`. */
const withKey = /^(.+)-[0-9a-f]{32}\.([a-z0-9]{12}|[0-9a-f]{24})$/;
const withoutKey = /^(.+)-[0-9a-f]{32}$/;

/** Returns whether a client may see the result of an invocation: its own, or any with the rights of an admin. */
export function mayPoll(principal: Principal, id: string): boolean {
  if (principal.may("admin")) return true;
  const [, , keyId] = withKey.exec(id) ?? [];
  if (keyId !== undefined) return keyId === principal.keyId;
  const [, functionName] = withoutKey.exec(id) ?? [];
  return functionName !== undefined && principal.may("invoke", functionName);
}

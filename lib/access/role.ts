/**
 * Roles: what a key permits.
 *
 * @module
 */

/** What a request does, for its authorization. */
export const actions = ["view", "invoke", "deploy", "admin"] as const;
/** One of {@link actions}. */
export type Action = typeof actions[number];

/** Actions that each role permits, on the functions of its patterns. */
const permitted = {
  /** Everything, including keys and images, on all functions. */
  admin: ["view", "invoke", "deploy", "admin"],
  /** Creates, updates, deletes, pre-warms, invokes and reads functions. */
  deployer: ["view", "invoke", "deploy"],
  /** Invokes functions, and polls its own invocations. */
  invoker: ["invoke"],
  /** Reads status, metrics, definitions and logs. */
  viewer: ["view"],
} as const satisfies Record<string, readonly Action[]>;

/** Name of a role. */
export type Role = keyof typeof permitted;
/** All roles. */
export const roles = Object.keys(permitted) as [Role, ...Role[]];

/** Returns whether a role permits an action. */
export function permits(role: Role, action: Action): boolean {
  return (permitted[role] as readonly Action[]).includes(action);
}

/** Returns whether a pattern with `*` for any characters matches a whole name. */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === name;
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

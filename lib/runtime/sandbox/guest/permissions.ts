/**
 * Giving up what a process may do.
 *
 * @module
 */

/** Every permission that there is. */
const permissions: readonly string[] = [
  "run",
  "write",
  "net",
  "env",
  "sys",
  "ffi",
  "import",
  "read",
];

/**
 * Gives up every permission for the rest of this process's life.
 *
 * @throws if one cannot be given up
 */
export function giveUpPermissions(): void {
  for (const name of permissions) {
    // From sources, unlike in the compiled program, modules are read with the read permission.
    if (name === "read" && !Deno.build.standalone) continue;
    const descriptor = { name } as Deno.PermissionDescriptor;
    const { state } = Deno.permissions.revokeSync(descriptor);
    if (state === "granted") throw new Error(`The permission ${name} cannot be given up`);
  }
}

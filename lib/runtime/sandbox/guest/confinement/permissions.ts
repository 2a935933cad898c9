/**
 * Giving up what a process may do.
 *
 * @module
 */

/** Every permission that there is, but that to read. */
const permissions: readonly string[] = ["run", "write", "net", "env", "sys", "ffi", "import"];

/**
 * Gives up every permission but that to read for the rest of this process's life.
 *
 * @throws if one cannot be given up
 */
export function giveUpAllButRead(): void {
  giveUp(permissions);
}

/**
 * Gives up every permission for the rest of this process's life.
 *
 * @throws if one cannot be given up
 */
export function giveUpPermissions(): void {
  // From sources, unlike in the compiled program, modules are read with the read permission.
  giveUp(Deno.build.standalone ? [...permissions, "read"] : permissions);
}

function giveUp(names: readonly string[]): void {
  for (const name of names) {
    const descriptor = { name } as Deno.PermissionDescriptor;
    const { state } = Deno.permissions.revokeSync(descriptor);
    if (state === "granted") throw new Error(`The permission ${name} cannot be given up`);
  }
}

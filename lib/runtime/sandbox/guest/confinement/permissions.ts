/**
 * Revocation of a process's permissions.
 *
 * @module
 */

/** All permissions of Deno except `read`. */
const permissions: readonly string[] = ["run", "write", "net", "env", "sys", "ffi", "import"];

/**
 * Revokes all permissions except `read` for the rest of the process's life.
 *
 * @throws if a permission cannot be revoked
 */
export function giveUpAllButRead(): void {
  giveUp(permissions);
}

/**
 * Revokes all permissions for the rest of the process's life.
 *
 * @throws if a permission cannot be revoked
 */
export function giveUpPermissions(): void {
  // A program that runs from sources needs the read permission to import modules, unlike the compiled one.
  giveUp(Deno.build.standalone ? [...permissions, "read"] : permissions);
}

function giveUp(names: readonly string[]): void {
  for (const name of names) {
    const descriptor = { name } as Deno.PermissionDescriptor;
    const { state } = Deno.permissions.revokeSync(descriptor);
    if (state === "granted") throw new Error(`Cannot revoke the permission ${name}`);
  }
}

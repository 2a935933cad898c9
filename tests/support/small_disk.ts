/**
 * Disks of a given size, in memory. Mounting one needs root.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runToEnd } from "./process.ts";
import { tempDir } from "./temp_dir.ts";

/** A mounted disk, which is gone when it is disposed. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  /** Changes its options. */
  remount(options: string): Promise<void>;
}

/**
 * Mounts an empty disk.
 *
 * @param options of the mount, such as `size=8m`
 */
export async function mountDisk(options: string): Promise<SmallDisk> {
  const folder = await tempDir("disk");
  const { path } = folder;
  await run("mount", "-t", "tmpfs", "-o", options, "tmpfs", path);
  return {
    path,
    remount: (options) => run("mount", "-o", `remount,${options}`, path),
    async [Symbol.asyncDispose]() {
      await run("umount", path);
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function run(...args: string[]): Promise<void> {
  const { code, stderr } = await runToEnd(args);
  assert.equal(code, 0, stderr);
}

/**
 * Checks the data directory and the free space of its disk.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { exists } from "../../../base/text_file.ts";
import { formatBytes } from "../../view/table.ts";
import { type Check, type Finding, fine, problem } from "../check.ts";

/** Free space below which functions with larger code soon fail, bytes. */
const lowBytes = 2 ** 30;
/** Free space below which the registry may fail soon, bytes. */
const criticalBytes = 64 * 2 ** 20;

/** The data directory, and the disk that it is on or will be on. */
export const disk: Check = {
  name: "disk",
  async run({ dataDirectory }) {
    const { bavail, bsize } = await statfs(nearest(dataDirectory));
    return [assessSpace(dataDirectory, bavail * bsize), await access(dataDirectory)];
  },
};

/**
 * Assesses the free space of a disk.
 *
 * @param directory the data directory
 * @param free bytes that this user may write
 */
export function assessSpace(directory: string, free: number): Finding {
  const found = `${formatBytes(free)} are free for ${directory}`;
  if (free >= lowBytes) return fine(found);
  return problem(
    free < criticalBytes ? "error" : "warning",
    found,
    "Remove unneeded files (serverledge images prune), or set data.dir to a larger disk",
  );
}

async function access(directory: string): Promise<Finding> {
  const place = nearest(directory);
  const probe = `${place}/.serverledge-doctor-${Deno.pid}`;
  try {
    await Deno.mkdir(probe);
    await Deno.remove(probe);
    return fine(`This user can write ${directory}`);
  } catch (error) {
    return problem(
      "warning",
      `This user cannot write ${place}: ${(error as Error).message}`,
      "Run serverledge doctor as the node's user, or set data.dir to a directory of this user",
    );
  }
}

/** Returns the directory, or the nearest above it that exists. */
function nearest(directory: string): string {
  return exists(directory) || directory === dirname(directory)
    ? directory
    : nearest(dirname(directory));
}

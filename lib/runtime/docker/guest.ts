/**
 * What the node puts into the containers of our runtimes: one folder with the executors and the
 * channel's socket, mounted read-only.
 *
 * @module
 */

import { join } from "node:path";
import type { ContainerExecutor } from "../../model/runtimes.ts";
import javascript from "../executors/executor.js" with { type: "text" };
import python from "../executors/executor.py" with { type: "text" };

/** Where containers see the folder. */
export const guestMount = "/serverledge";
/** Name of the channel's socket in the folder. */
export const socketName = "node.sock";

/** Executors by their file names. */
const executors: Readonly<Record<string, string>> = {
  "executor.py": python,
  "executor.js": javascript,
};

/** Command lines of the executors in a container. */
export const executorCommands: Readonly<Record<ContainerExecutor, readonly string[]>> = {
  // -B: the root is read-only, there is no use in trying to cache compiled modules.
  python: ["python3", "-B", `${guestMount}/executor.py`],
  nodejs: ["node", `${guestMount}/executor.js`],
};

/**
 * Makes the folder and fills it.
 *
 * @param runDir a folder of the node's own; it is made private
 * @returns the folder's absolute path
 */
export async function installGuest(runDir: string): Promise<string> {
  await Deno.mkdir(runDir, { recursive: true, mode: 0o700 });
  await Deno.chmod(runDir, 0o700);
  const folder = join(await Deno.realPath(runDir), "guest");
  await Deno.mkdir(folder, { recursive: true });
  // Functions run as an unprivileged user; the folder above keeps other users of the host out.
  await Deno.chmod(folder, 0o755);
  for (const [name, text] of Object.entries(executors)) {
    const path = join(folder, name);
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, 0o644);
  }
  return folder;
}

/**
 * Environments that run functions in sandboxes, for tests, and looking at what they leave behind.
 *
 * @module
 */

import { randomId } from "../../lib/base/ids.ts";
import { packTar } from "../../lib/model/archive.ts";
import { resolveConfig } from "../../lib/model/config.ts";
import { SandboxEnvironment } from "../../lib/runtime/sandbox/environment.ts";
import type { EnvironmentWorld } from "../contract/environment.ts";
import { tempDir } from "./temp_dir.ts";

/**
 * Opens an environment of its own whose functions all have the same code.
 *
 * @param files content by path
 */
export async function sandboxWorld(
  files: Readonly<Record<string, Uint8Array>>,
): Promise<EnvironmentWorld> {
  const nodeId = `test-${randomId(8)}`;
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("sandbox"));
  const archive = await packTar(
    Object.entries(files).map(([path, data]) => ({ path, data, executable: false })),
  );
  const environment = stack.use(
    await SandboxEnvironment.open({
      config: resolveConfig([]).config,
      nodeId,
      area: "TEST",
      runDir: path,
      code: { archive: () => Promise.resolve(archive) },
    }),
  );
  const kept = stack.move();
  return {
    environment,
    instances: () => sandboxesOf(nodeId),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Sandboxes of a node among the machine's processes, as `sandbox-PID`. */
async function sandboxesOf(nodeId: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    const args = command.split("\0");
    if (args.includes("__sandbox") && args.includes(nodeId)) found.push(`sandbox-${name}`);
  }
  return found;
}

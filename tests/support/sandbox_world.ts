/**
 * Environments that run functions in sandboxes of the compiled program, for tests, and looking at
 * what they leave behind.
 *
 * @module
 */

import { bodyBudget, resultMemory } from "../../lib/node/base.ts";
import { randomId } from "../../lib/base/ids.ts";
import { packTar } from "../../lib/archive/archive.ts";
import { resolveConfig } from "../../lib/config/config.ts";
import { SandboxEnvironment } from "../../lib/runtime/sandbox/environment.ts";
import type { EnvironmentWorld, Written } from "../contract/environment.ts";
import { defaultBinary } from "./node.ts";
import { tempDir } from "./temp_dir.ts";

/** User that sandboxes run as where the tests run as root. */
export const sandboxUser = 65534;

/** An environment under test. */
export interface SandboxWorld extends EnvironmentWorld {
  /** The environment. */
  readonly environment: SandboxEnvironment;
  /** Id of its node. */
  readonly nodeId: string;
}

/** How an environment is opened. */
export interface SandboxWorldOptions {
  /** False to bound memory by watching. */
  readonly controlGroups?: boolean;
  /** Addresses that functions may not reach; this machine's, by default. */
  readonly forbids?: (address: string) => boolean;
}

/**
 * Opens an environment of its own.
 *
 * @param files content by path of the code that all functions have, or codes by hash
 * @param options how
 */
export async function sandboxWorld(
  files: Readonly<Record<string, Uint8Array | string>>,
  options: SandboxWorldOptions = {},
): Promise<SandboxWorld> {
  const nodeId = `test-${randomId(8)}`;
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("sandbox"));
  const archive = await archiveOf(files);
  const { config } = resolveConfig([]);
  const written: Written[] = [];
  const environment = stack.use(
    await SandboxEnvironment.open({
      config,
      nodeId,
      process: "test",
      area: "TEST",
      runDir: path,
      code: { archive: () => Promise.resolve(archive) },
      results: resultMemory({ config, bodies: bodyBudget(config) }),
      output: (name, id, text) => void written.push({ name, id, text }),
      references: { has: () => true, onUnreferenced: () => ({ [Symbol.dispose]() {} }) },
      // What counts is the compiled program: from sources there is no wall around files.
      program: {
        path: defaultBinary(),
        args: [],
        user: Deno.uid() === 0 ? sandboxUser : undefined,
      },
      ...options,
    }),
  );
  const kept = stack.move();
  return {
    environment,
    nodeId,
    written,
    instances: () => sandboxesOf(nodeId),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/**
 * The archive of some files.
 *
 * @param files content by path
 */
export async function archiveOf(
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  return await packTar(
    Object.entries(files).map(([path, data]) => ({
      path,
      data: typeof data === "string" ? encoder.encode(data) : data,
      executable: false,
    })),
  );
}

/**
 * Sandboxes of a node among the machine's processes, as `sandbox-PID`.
 *
 * @param nodeId the node's
 */
export async function sandboxesOf(nodeId: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    const args = command.split("\0");
    if (args.includes("__sandbox") && args.includes(nodeId)) found.push(`sandbox-${name}`);
  }
  return found;
}

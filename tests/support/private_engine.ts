/**
 * A Docker engine of a test's own, which it may restart and kill.
 *
 * @module
 */

import assert from "node:assert/strict";
import { randomId } from "../../lib/base/ids.ts";
import { eventually } from "./eventually.ts";
import { runToEnd } from "./process.ts";
import { tempDir } from "./temp_dir.ts";

/** Address of its bridge, which no container uses: of a range for benchmarks (RFC 2544). */
const bridgeAddress = "198.19.255.1/30";

/** A running engine. Disposing it removes its containers and images, and ends it. */
export interface PrivateEngine extends AsyncDisposable {
  /** Address of the engine for `DOCKER_HOST`. */
  readonly address: string;
  /** Runs the Docker client with it. @returns what it printed */
  docker(...args: string[]): Promise<string>;
  /** Ends it: SIGTERM lets it clean up, SIGKILL is a crash. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /**
   * Starts it again with the data that it had.
   *
   * @param args more arguments, e.g. `--live-restore`: its containers survive it
   */
  start(...args: string[]): Promise<void>;
}

/**
 * Starts an engine without networks of its own, which needs root.
 *
 * @param images images that it gets from the machine's engine
 */
export async function startEngine(...images: string[]): Promise<PrivateEngine> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("dockerd"));
  const address = `unix://${path}/docker.sock`;
  // With --bridge none, it would remove the bridge of the machine's engine.
  const bridge = `engine-${randomId(6)}`;
  await ip("link", "add", bridge, "type", "bridge");
  stack.defer(() => ip("link", "delete", bridge));
  await ip("address", "add", bridgeAddress, "dev", bridge);
  let process: Deno.ChildProcess | undefined;
  const client = (...args: string[]) => runToEnd(["docker", "--host", address, ...args]);
  const docker = async (...args: string[]) => {
    const { code, stdout, stderr } = await client(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    process?.kill(signal);
    await process?.status;
    process = undefined;
  };
  const start = async (...args: string[]) => {
    const folders = ["--data-root", `${path}/data`, "--exec-root", `${path}/exec`];
    const own = [...folders, "--pidfile", `${path}/pid`, "--host", address];
    const closed = ["--bridge", bridge, "--iptables=false", "--ip6tables=false"];
    process = new Deno.Command("sh", {
      args: ["-c", 'exec "$@" >>"$0" 2>&1', `${path}/log`, "dockerd", ...own, ...closed, ...args],
      env: { PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin` },
      stdin: "null",
    }).spawn();
    await eventually("the engine responds", async () => (await client("version")).code === 0);
  };
  stack.defer(() => clear(path));
  stack.defer(async () => {
    if (!process) await start();
    const left = (await docker("ps", "--all", "--quiet")).split("\n").filter(Boolean);
    if (left.length > 0) await docker("rm", "--force", ...left);
    await end("SIGTERM");
  });
  await start();
  await runToEnd(["docker", "save", "--output", `${path}/images.tar`, ...images]);
  await docker("load", "--input", `${path}/images.tar`);
  const owned = stack.move();
  return { address, docker, end, start, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function ip(...args: string[]): Promise<void> {
  const { code, stderr } = await runToEnd(["ip", ...args]);
  assert.equal(code, 0, stderr);
}

/** Ends containers that an engine has lost when it crashed, and removes what is mounted below its folder. */
async function clear(path: string): Promise<void> {
  const lost = [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    const text = (file: string) => {
      try {
        return Deno.readTextFileSync(`/proc/${name}/${file}`);
      } catch {
        return ""; // It is no process, or has just ended.
      }
    };
    // Each container has a supervisor, which knows the engine's folder.
    if (!/^\d+$/.test(name) || !text("cmdline").includes(`${path}/exec/`)) return [];
    const children = text(`task/${name}/children`).split(" ").filter(Boolean);
    return [...children, name].map(Number);
  });
  for (const pid of lost) Deno.kill(pid, "SIGKILL");
  const mounts = () =>
    Deno.readTextFileSync("/proc/mounts").split("\n")
      .map((line) => line.split(" ")[1] ?? "").filter((at) => at.startsWith(`${path}/`)).reverse();
  await eventually("nothing is mounted", async () => {
    for (const at of mounts()) await runToEnd(["umount", "--lazy", at]);
    return mounts().length === 0;
  });
}

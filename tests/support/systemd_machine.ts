/**
 * A Debian machine with systemd of one's own, in namespaces of this one and on its network. Needs root, and
 * `scripts/setup.sh systemd`.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { CommandResult } from "./node.ts";
import { cleanEnv, runToEnd } from "./process.ts";
import { eventually } from "./eventually.ts";
import { tempDir } from "./temp_dir.ts";

const lower = new URL("../../.tools/systemd-root", import.meta.url).pathname;
const script = new URL("systemd_machine.sh", import.meta.url).pathname;

/** A running machine; disposing it ends it, and with it all that was written there. */
export interface SystemdMachine extends AsyncDisposable {
  /** Runs a command there as root. */
  run(command: readonly string[], stdin?: string): Promise<CommandResult>;
  /** Runs a command that must succeed. @returns what it wrote */
  ok(...command: string[]): Promise<string>;
  /** Copies a file of this machine there. */
  copy(from: string, to: string): Promise<void>;
}

/** Starts a machine and waits until its services run. */
export async function startSystemdMachine(): Promise<SystemdMachine> {
  await using stack = new AsyncDisposableStack();
  const work = stack.use(await tempDir("machine"));
  const child = new Deno.Command("bash", {
    args: [script, lower, work.path],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  stack.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
  });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await lines.read();
  stack.defer(() => lines.cancel());
  const first = Number(value.trim());
  assert.ok(first > 0, `The machine did not start; is ${lower} there (scripts/setup.sh systemd)?`);

  const env = { PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" };
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const enter = ["nsenter", "--target", String(first), "--mount", "--pid", "--ipc", "--uts"];
  const prefix = [...enter, "--cgroup", "--root", "--wd", "--", "env", "-i", ...variables];
  const run = (command: readonly string[], stdin?: string) =>
    runToEnd([...prefix, ...command], { env: cleanEnv(), ...(stdin !== undefined && { stdin }) });
  const ok = async (...command: string[]) => {
    const { code, stdout, stderr } = await run(command);
    assert.equal(code, 0, `${command.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  };
  await eventually("the machine runs", async () => {
    return /^(running|degraded)/.test((await run(["systemctl", "is-system-running"])).stdout);
  });
  const owned = stack.move();
  return {
    run,
    ok,
    async copy(from, to) {
      using file = await Deno.open(from);
      const writer = new Deno.Command(prefix[0]!, {
        args: [...prefix.slice(1), "dd", `of=${to}`, "bs=1M", "status=none"],
        stdin: "piped",
      }).spawn();
      await file.readable.pipeTo(writer.stdin);
      assert.ok((await writer.status).success, to);
      const { mode } = await Deno.stat(from);
      await ok("chmod", ((mode ?? 0o644) & 0o777).toString(8), to);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

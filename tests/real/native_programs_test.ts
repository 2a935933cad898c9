/**
 * The programs that the node puts into containers, on both architectures; the other one than this
 * machine's is emulated.
 *
 * @module
 */

import { closeQuietly } from "../../lib/base/close.ts";
import assert from "node:assert/strict";
import { profile } from "../../lib/runtime/docker/container/seccomp.ts";
import { nativePrograms } from "../../lib/runtime/docker/native/programs.ts";
import { receive } from "../../lib/runtime/wire/frames.ts";
import { FrameBatch, FrameReader } from "../../lib/runtime/wire/frames.ts";
import { eventually } from "../support/eventually.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const own = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
const emulators = { amd64: "qemu-x86_64-static", arm64: "qemu-aarch64-static" };

/** Writes a program into a folder. @returns the command that runs it */
async function command(
  name: "fence" | "init" | "relay" | "stdio",
  architecture: "amd64" | "arm64",
  folder: string,
): Promise<string[]> {
  const path = `${folder}/${name}`;
  const bytes = Uint8Array.fromBase64(nativePrograms[`${name}-${architecture}`]);
  await Deno.writeFile(path, bytes, { mode: 0o755 });
  return architecture === own ? [path] : [emulators[architecture], path];
}

/** Asks the server behind a relay. @returns all that came @throws where nothing came */
async function ask(path: string): Promise<string> {
  using conn = await Deno.connect({ transport: "unix", path });
  const request = "GET / HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n";
  await conn.write(new TextEncoder().encode(request));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    text += decoder.decode(buffer.subarray(0, count));
  }
  if (text === "") throw new Error("nothing came");
  return text;
}

for (const architecture of ["amd64", "arm64"] as const) {
  Deno.test(`init for ${architecture} ends as its program ends, and keeps what is in the pipe`, async () => {
    await using folder = await tempDir("native");
    const init = await command("init", architecture, folder.path);
    const run = (...args: string[]) => runToEnd([...init, ...args]);
    assert.equal((await run("/bin/sh", "-c", "exit 3")).code, 3);
    assert.equal((await run("sh", "-c", "kill -9 $$")).code, 128 + 9);
    const missing = await run("no-such-program");
    assert.equal(missing.code, 127);
    assert.match(missing.stderr, /cannot run no-such-program: the image has no such program/);
    const piped = await run("-p", "sh", "-c", "echo one; echo two >&2; exit 4");
    assert.deepEqual([piped.code, piped.stderr], [4, "one\ntwo\n"]);
    await Deno.writeTextFile(`${folder.path}/variables`, "A=1\0HOME=/x\0EMPTY=\0");
    const script =
      'echo "$A$HOME$EMPTY"; env | grep -c ^HOME=; tr "\\0" "\\n" < /proc/$PPID/environ';
    const secret = await run("-p", "-e", `${folder.path}/variables`, "sh", "-c", script);
    assert.equal(secret.code, 0, secret.stderr);
    assert.match(secret.stderr, /^1\/x\n1\n/);
    assert.doesNotMatch(secret.stderr, /^A=/m, "process 1 does not have them");
    const unreadable = await run("-e", `${folder.path}/none`, "true");
    assert.deepEqual([unreadable.code, unreadable.stderr], [126, "cannot read the variables\n"]);
  });

  Deno.test(`fence for ${architecture}: failures of its own end it with a status above the kernel's`, async () => {
    await using folder = await tempDir("native");
    const fence = await command("fence", architecture, folder.path);
    const run = async () => {
      return (await runToEnd([...fence, "table", "socket"], { cwd: folder.path })).code;
    };
    assert.equal(await run(), 201, "the files with the messages are missing");
    await Deno.writeFile(`${folder.path}/install`, new Uint8Array(1 << 16));
    assert.equal(await run(), 202, "more messages than fit");
  });

  Deno.test(`stdio for ${architecture} says hello, and tells why a program does not run`, async () => {
    await using folder = await tempDir("native");
    const path = `${folder.path}/node.sock`;
    using listener = Deno.listen({ transport: "unix", path });
    const [program, ...args] = await command("stdio", architecture, folder.path);
    const handler = "no-such-program";
    const env = {
      SERVERLEDGE_SOCKET: path,
      SERVERLEDGE_TOKEN: "token",
      SERVERLEDGE_HANDLER: handler,
      SERVERLEDGE_MEMORY_MIB: "64",
    };
    const child = new Deno.Command(program!, { args, env }).spawn();
    const conn = await listener.accept();
    const reader = new FrameReader();
    const frames: Record<string, unknown>[] = [];
    const readUntil = async (member: string) => {
      while (frames.at(-1)?.[member] === undefined && await receive(conn, reader)) {
        for (let text = reader.next(); text; text = reader.next()) frames.push(JSON.parse(text));
      }
    };
    await readUntil("token");
    const batch = new FrameBatch();
    batch.add('{"id":"a","timeoutMs":1000,"output":true,"params":{}}');
    await conn.write(batch.bytes());
    await readUntil("id");
    const reply = frames.pop();
    const [hello, ...logs] = frames;
    assert.deepEqual(hello, { token: "token" });
    assert.ok(logs.every(({ log }) => log === "a"), JSON.stringify(logs));
    assert.match(logs.map(({ text }) => text).join(""), /^cannot run \/app\/no-such-program: /);
    const error = {
      type: "ExitStatus",
      message: "the program ended with exit status 127",
      traceback: "",
    };
    assert.deepEqual(reply, { id: "a", ok: false, error, output: "" });
    closeQuietly(conn);
    assert.equal((await child.status).code, 0);
  });

  Deno.test(`init for ${architecture} hands signals on to its program`, async () => {
    await using folder = await tempDir("native");
    const init = await command("init", architecture, folder.path);
    const script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    const child = new Deno.Command(init[0]!, {
      args: [...init.slice(1), "sh", "-c", script],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    assert.match(new TextDecoder().decode((await reader.read()).value), /ready/);
    child.kill("SIGTERM");
    assert.equal((await child.status).code, 5);
    await reader.cancel();
  });

  Deno.test(`relay for ${architecture} joins its socket to port 8080 of its loopback`, async () => {
    await using folder = await tempDir("native");
    const relay = await command("relay", architecture, folder.path);
    const serve = "Deno.serve({ hostname: '127.0.0.1', port: 8080 }, () => new Response('served'))";
    const script = `ip link set lo up; "$1" eval "$2" >/dev/null & server=$!; shift 2; ` +
      `"$@" & relay=$!; trap 'kill $server $relay' TERM; wait; wait`;
    const path = `${folder.path}/socket`;
    const child = new Deno.Command("unshare", {
      args: ["--net", "sh", "-c", script, "sh", Deno.execPath(), serve, ...relay, path],
    }).spawn();
    try {
      await eventually("it answers", () => ask(path).then(() => true, () => false));
      assert.match(await ask(path), /^\+HTTP\/1\.1 200 OK\r\n.*served$/s);
    } finally {
      child.kill("SIGTERM");
      await child.status;
    }
  });
}

Deno.test("the seccomp profile has both architectures, and permits what the programs call on them", async () => {
  const architectures = (profile.archMap as { architecture: string }[]).map((one) =>
    one.architecture
  );
  assert.deepEqual(architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]);
  const permitted = new Set(
    profile.syscalls.filter(({ action }) => action === "SCMP_ACT_ALLOW").flatMap(({ names }) =>
      names
    ),
  );
  const header = new URL("../../lib/runtime/docker/native/syscalls.h", import.meta.url);
  const [, amd64, arm64] = (await Deno.readTextFile(header)).split(/__x86_64__|__aarch64__/);
  for (const part of [amd64!, arm64!]) {
    const names = [...part.matchAll(/\bsys_(\w+) = \d+/g)].map(([, name]) => name!);
    assert.ok(names.length > 20);
    assert.deepEqual(names.filter((name) => !permitted.has(name)), []);
  }
});

import assert from "node:assert/strict";
import { startNodeProcess } from "../support/node.ts";
import { cleanEnv, runToEnd } from "../support/process.ts";

const binary = new URL("../../dist/serverledge-aarch64", import.meta.url).pathname;
/** Emulated where this machine is not an ARM64 one itself; glibc is Debian's cross package. */
const runner = Deno.build.arch === "aarch64"
  ? []
  : ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"];
/** Emulation makes the start some twenty times slower. */
const readyTimeoutMs = 90_000;

Deno.test("the ARM64 binary prints its version", async () => {
  const { code, stdout } = await runToEnd([...runner, binary, "--version"], { env: cleanEnv() });
  assert.equal(code, 0);
  assert.ok(stdout.includes("2.7.11"), stdout);
});

Deno.test("the ARM64 binary starts a node, serves its CLI and stops cleanly", async (t) => {
  await using node = await startNodeProcess({ binary, runner, readyTimeoutMs });

  await t.step("status reports the architecture and no functions", async () => {
    const answer = await fetch(`${node.url}/status`);
    const status = await answer.json();
    assert.equal(status.Architecture, "arm64");
    assert.equal(status.Functions, 0);
  });

  await t.step("serverledge status --json prints the same node", async () => {
    const { code, stdout, stderr } = await node.cli(["status", "--json"]);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).Architecture, "arm64");
  });

  await t.step("serverledge list --json prints an empty list", async () => {
    const { code, stdout, stderr } = await node.cli(["list", "--json"]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), []);
  });

  await t.step("SIGTERM ends the node with status 0", async () => {
    assert.equal(await node.stop(), 0, node.log());
  });
});

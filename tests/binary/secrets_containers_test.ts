/**
 * Secrets of functions in containers: they see them, and the engine, its files and other functions do not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { nodeLabel } from "../../lib/runtime/docker/names.ts";
import { code, get, post } from "../support/client.ts";
import { binaryImage, buildCustomImage, customImage } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/network/free_port.ts";
import { type NodeProcess, removeContainers, startNodeProcess } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const nodeId = `secrets-${crypto.randomUUID().slice(0, 8)}`;
const value = `s3cret-${crypto.randomUUID()}`;

const python = `
import os
def f(params, context):
    if "crash" in params: os._exit(9)
    if "fail" in params: raise ValueError("failed")
    file = "/run/secrets/token"
    return {
        "variable": os.environ.get("TOKEN"),
        "file": open(file).read() if os.path.exists(file) else None,
        "names": sorted(os.listdir("/run/secrets")) if os.path.isdir("/run/secrets") else [],
        "first": "TOKEN" in [line.split("=")[0] for line in open("/proc/1/environ").read().split("\\0")],
    }
`;
const nodejs = `
const fs = require("node:fs");
const read = () => { try { return fs.readFileSync("/run/secrets/token", "utf8"); } catch { return null; } };
exports.f = () => ({ variable: process.env.TOKEN ?? null, file: read() });
`;
const shell = `#!/bin/sh
file=null
[ -f /run/secrets/token ] && file="\\"$(cat /run/secrets/token)\\""
[ -n "$TOKEN" ] && variable="\\"$TOKEN\\"" || variable=null
echo "{\\"variable\\": $variable, \\"file\\": $file}"
`;
const served = `
def reach(params):
    import os
    return {"variable": os.environ.get("TOKEN"), "file": open("/run/secrets/token").read()}
`;

async function create(node: NodeProcess, Name: string, runtime: string, fields: object) {
  const sources: Record<string, Record<string, string>> = {
    python: { "main.py": python },
    nodejs: { "main.js": nodejs },
    binary: { "fn.sh": shell },
    custom: { "reach.py": served },
  };
  const handlers: Record<string, string> = { python: "main.f", nodejs: "main.f" };
  const { status, body } = await post(`${node.url}/create`, {
    Name,
    Runtime: runtime,
    MemoryMB: runtime === "nodejs" ? 128 : 64,
    Handler: handlers[runtime] ?? "",
    TarFunctionCode: await code(sources[runtime]!),
    ...fields,
  });
  assert.equal(status, 200, JSON.stringify(body));
}

async function seen(node: NodeProcess, name: string) {
  const { status, body } = await post(`${node.url}/invoke/${name}`, { Params: {} });
  assert.equal(status, 200, JSON.stringify(body));
  return { tier: body.StartTier, ...JSON.parse(body.Result) };
}

/** All that the engine tells about the node's containers and their logs. */
async function engineKnows(): Promise<string> {
  const filter = `label=${nodeLabel}=${nodeId}`;
  const { stdout } = await runToEnd(["docker", "ps", "--all", "--quiet", "--filter", filter]);
  const ids = stdout.trim().split("\n").filter(Boolean);
  assert(ids.length > 0);
  const inspected = await runToEnd(["docker", "inspect", ...ids]);
  const logs = await Promise.all(ids.map((id) => runToEnd(["docker", "logs", id])));
  return inspected.stdout + logs.map(({ stdout, stderr }) => stdout + stderr).join();
}

/** The folder in memory with the secrets of a node's containers, and its files. */
async function inMemory(data: string): Promise<{ folder: string; files: string[] }> {
  const names = [...Deno.readDirSync(`${data}/run/secrets`)].map(({ name }) => name);
  assert.equal(names.length, 1);
  const folder = `/dev/shm/${names[0]}`;
  const { stdout } = await runToEnd(["find", folder, "-type", "f"]);
  return { folder, files: stdout.trim().split("\n").filter(Boolean) };
}

Deno.test("containers get secrets, and nothing else shows them", async (t) => {
  await buildCustomImage();
  await using data = await tempDir("secrets-data");
  await using node = await startNodeProcess({
    config: {
      "data.dir": data.path,
      "registry.node.id": nodeId,
      "container.pool.memory": 4096,
      "runtimes.binary.image": binaryImage,
      "log.level": "debug",
    },
  });
  const set = async (text: string, ...more: string[]) => {
    const { code, stderr } = await node.cli(["secrets", "set", "TOKEN", ...more], text);
    assert.equal(code, 0, stderr);
  };
  await set(value);
  const both = ["TOKEN", "TOKEN=/run/secrets/token"];

  for (const runtime of ["python", "nodejs", "binary"]) {
    await t.step(`${runtime}: as variable and file, and another function has neither`, async () => {
      await create(node, runtime, runtime, { Secrets: both });
      await create(node, `${runtime}-variable`, runtime, { Secrets: ["TOKEN"] });
      await create(node, `${runtime}-other`, runtime, {});
      const own = await seen(node, runtime);
      assert.deepEqual([own.variable, own.file], [value, value]);
      assert.notEqual(own.tier, "generic", "files are mounted at the start");
      const variable = await seen(node, `${runtime}-variable`);
      assert.deepEqual([variable.variable, variable.file], [value, null]);
      const other = await seen(node, `${runtime}-other`);
      assert.deepEqual([other.variable, other.file], [null, null]);
    });
  }

  await t.step("a generic instance gets variables when it is specialized", async () => {
    await eventually("a generic container is specialized", async () => {
      const name = `generic-${crypto.randomUUID().slice(0, 8)}`;
      await create(node, name, "python", { Secrets: ["TOKEN"] });
      const { tier, variable } = await seen(node, name);
      assert.equal(variable, value);
      return tier === "generic";
    });
  });

  await t.step("the variables for process 1 are gone once the function runs", async () => {
    const { names, first } = await seen(node, "python");
    assert.deepEqual([names, first], [["token"], false]);
    const { folder, files } = await inMemory(data.path);
    assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
    assert(files.length > 0 && files.every((path) => !path.endsWith(".variables")), `${files}`);
  });

  await t.step("a custom image gets a file, and is refused a variable", async () => {
    const image = { CustomImage: customImage, Env: { CASE: "reach" } };
    const { status, body } = await post(`${node.url}/create`, {
      Name: "bad",
      Runtime: "custom",
      MemoryMB: 64,
      Secrets: ["TOKEN"],
      ...image,
    });
    assert.equal(status, 422);
    assert.match(body.message, /docker inspect would show .* use TOKEN=\/run\/secrets\/TOKEN/);
    await create(node, "custom", "custom", { Secrets: ["TOKEN=/run/secrets/token"], ...image });
    const { variable, file } = await seen(node, "custom");
    assert.deepEqual([variable, file], [null, value]);
  });

  await t.step("the engine, logs, errors, status and metrics do not show it", async () => {
    assert(!(await engineKnows()).includes(value));
    for (const Params of [{ fail: 1 }, { crash: 1 }]) {
      const { body } = await post(`${node.url}/invoke/python`, { Params, ReturnOutput: true });
      assert(body.code && !JSON.stringify(body).includes(value), JSON.stringify(body));
    }
    for (const path of ["/functions?details=true", "/status", "/metrics", "/logs/python"]) {
      assert(!JSON.stringify((await get(node.url + path)).body).includes(value), path);
    }
    assert(!node.log().includes(value));
  });

  await t.step("--restart replaces instances after their invocations", async () => {
    await set("second", "--restart");
    for (const name of ["python", "nodejs", "binary", "binary-variable", "custom"]) {
      const { variable, file } = await seen(node, name);
      assert(variable === "second" || file === "second", name);
    }
  });

  const { folder } = await inMemory(data.path);
  await node.stop();
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound, "nothing stays in memory");
});

Deno.test("what a killed node leaves of secrets, its next start removes", async () => {
  await using data = await tempDir("secrets-data");
  await using stack = new AsyncDisposableStack();
  stack.defer(() => removeContainers(`${nodeId}-2`));
  const config = { "data.dir": data.path, "registry.node.id": `${nodeId}-2` };
  await using killed = await startNodeProcess({ config });
  await killed.cli(["secrets", "set", "TOKEN"], value);
  await create(killed, "f", "python", { Secrets: ["TOKEN=/run/secrets/token"] });
  assert.equal((await seen(killed, "f")).file, value);
  await killed.kill();
  const { folder, files } = await inMemory(data.path);
  assert.equal(files.length, 1);
  await using _next = await startNodeProcess({ config });
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
});

Deno.test("a process that takes over leaves the secrets of the former one until that has ended", async () => {
  await using data = await tempDir("secrets-data");
  const config = {
    "data.dir": data.path,
    "registry.node.id": `${nodeId}-3`,
    "api.port": freePort(),
    "shutdown.grace": 5,
  };
  await using former = await startNodeProcess({ config });
  await former.cli(["secrets", "set", "TOKEN"], value);
  await create(former, "f", "python", { Secrets: ["TOKEN=/run/secrets/token"] });
  assert.equal((await seen(former, "f")).file, value);
  const { folder } = await inMemory(data.path);
  await using next = await startNodeProcess({ config, args: ["--replace"] });
  assert.equal((await seen(next, "f")).file, value);
  await eventually("those of the former process are gone", async () => {
    return await Deno.stat(folder).then(() => false, () => true);
  });
  assert.equal((await seen(next, "f")).file, value);
  assert.notEqual((await inMemory(data.path)).folder, folder);
});

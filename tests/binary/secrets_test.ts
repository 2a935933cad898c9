/**
 * Secrets as users of the binary set and use them, with functions in sandboxes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { code, get, post } from "../support/client.ts";
import { buildWasm, wasmFunction } from "../support/functions/wasm.ts";
import { defaultBinary, type NodeProcess, startNodeProcess } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";
import { typed } from "../support/terminal.ts";

const value = "s3cret-ünknown-to-others";
const reader = "export default (params) => JSON.stringify(Deno.env.get(params.name) ?? null);";

async function define(node: NodeProcess, name: string, fields: object = {}, key?: string) {
  const body = JSON.stringify({
    Name: name,
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main",
    TarFunctionCode: await code({ "main.js": reader }),
    ...fields,
  });
  const response = await fetch(`${node.url}/update`, {
    method: "POST",
    body,
    headers: bearer(key),
  });
  return { status: response.status, body: await response.json() };
}

function bearer(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

async function read(node: NodeProcess, name: string, variable: string) {
  const { status, body } = await post(`${node.url}/invoke/${name}`, { Params: { name: variable } });
  return status === 200 ? JSON.parse(JSON.parse(body.Result)) : body;
}

/** Runs a command that must succeed, and returns its JSON. */
async function run(node: NodeProcess, args: readonly string[], stdin?: string) {
  const { code, stdout, stderr } = await node.cli(args, stdin);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Asserts that no file below a folder contains a text. */
async function assertNowhere(folder: string, text: string): Promise<void> {
  const found = await runToEnd(["grep", "-rlaF", text, folder]);
  assert.deepEqual([found.code, found.stdout], [1, ""]);
}

Deno.test("a secret reaches the functions that use it, and nothing else", async (t) => {
  await using folder = await tempDir("secrets");
  const config = { "data.dir": `${folder.path}/data`, "log.level": "debug" };
  await using node = await startNodeProcess({ config });

  await t.step("an unknown secret is refused with the command that creates it", async () => {
    const { status, body } = await define(node, "f", { Secrets: ["DB_PASSWORD"] });
    assert.equal(status, 422);
    assert.match(body.message, /no secret "DB_PASSWORD".*serverledge secrets set DB_PASSWORD/);
  });

  await t.step("the first secret creates a key that only its owner can read", async () => {
    await run(node, ["secrets", "set", "DB_PASSWORD"], `${value}\n`);
    const { mode } = await Deno.stat(`${folder.path}/data/secrets.key`);
    assert.equal((mode ?? 0) & 0o777, 0o600);
  });

  await t.step("a function has it as a variable, another has not", async () => {
    assert.equal(
      (await define(node, "f", { Secrets: ["DB_PASSWORD", "DB_PASSWORD=X"] })).status,
      200,
    );
    await define(node, "other");
    assert.equal(await read(node, "f", "DB_PASSWORD"), value);
    assert.equal(await read(node, "f", "X"), value);
    assert.equal(await read(node, "other", "DB_PASSWORD"), null);
  });

  await t.step("a WebAssembly command has it as a variable", async () => {
    const { command } = await buildWasm();
    const fields = { Env: { CASE: "context" }, Secrets: ["DB_PASSWORD=GREETING"] };
    const definition = await wasmFunction("wasm", command, fields);
    assert.equal((await post(`${node.url}/create`, definition)).status, 200);
    const { body } = await post(`${node.url}/invoke/wasm`, {});
    assert.equal(JSON.parse(body.Result).greeting, value);
    assert.equal((await post(`${node.url}/delete`, { Name: "wasm" })).status, 200);
  });

  await t.step("lists, logs, status and files of the node do not show it", async () => {
    const { Secrets } = await run(node, ["secrets", "list"]);
    assert.deepEqual(
      Secrets.map((
        { Name, UsedBy, Readable }: Record<string, unknown>,
      ) => [Name, UsedBy, Readable]),
      [["DB_PASSWORD", ["f"], true]],
    );
    for (const path of ["/secrets", "/functions?details=true", "/status", "/metrics", "/logs/f"]) {
      const { body } = await get(node.url + path);
      const text = JSON.stringify(body);
      assert(!text.includes(value) && !text.includes(btoa("s3cret")), path);
    }
    assert(!node.log().includes(value));
    await assertNowhere(`${folder.path}/data`, value);
    await assertNowhere(`${folder.path}/data`, new TextEncoder().encode(value).toBase64());
    const processes = await runToEnd(["sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline"]);
    assert(!processes.stdout.includes(value));
  });

  await t.step("a changed value reaches new instances, and with --restart all", async () => {
    await run(node, ["secrets", "set", "DB_PASSWORD"], "second");
    assert.equal(await read(node, "f", "DB_PASSWORD"), value, "the warm instance is kept");
    await run(node, ["secrets", "set", "DB_PASSWORD", "--restart"], "third\r\n");
    assert.equal(await read(node, "f", "DB_PASSWORD"), "third");
  });

  await t.step("a long secret that is typed at a terminal is complete and not shown", async () => {
    // Its characters have two bytes, and reads may end between them.
    const long = `a${"é".repeat(5000)}`;
    const command = `${defaultBinary()} secrets set DB_PASSWORD --restart`;
    const env = { SERVERLEDGE_HOST: node.url };
    const { shown, code } = await typed(command, env, "Secret DB_PASSWORD:", `${long}\r`);
    assert.equal(code, 0, shown);
    assert(!shown.includes("é"));
    assert.equal(await read(node, "f", "DB_PASSWORD"), long);
  });

  await t.step("forms that a sandbox cannot have are refused", async () => {
    const { status, body } = await define(node, "g", { Secrets: ["DB_PASSWORD=/run/secrets/db"] });
    assert.equal(status, 422);
    assert.match(body.message, /have no files: use DB_PASSWORD=VARIABLE/);
  });

  await t.step("a secret in use is deleted by force, and then a start says so", async () => {
    const refused = await node.cli(["secrets", "delete", "DB_PASSWORD"]);
    assert.match(refused.stderr, /used by f/);
    await run(node, ["secrets", "delete", "DB_PASSWORD", "--force"]);
    const { body } = await post(`${node.url}/prewarm`, { Function: "f", Instances: 1 });
    assert.equal(body.code, "INSTANCE_START_FAILED");
    assert.match(body.message, /secret "DB_PASSWORD": it does not exist/);
  });
});

Deno.test("a node with another key cannot use secrets, and rotation needs both", async () => {
  await using folder = await tempDir("secrets-keys");
  const path = `${folder.path}/cluster.key`;
  const cli = (...args: string[]) => runToEnd([defaultBinary(), ...args]);
  assert.equal((await cli("secrets", "key", "create", path)).code, 0);
  assert.match((await cli("secrets", "key", "create", path)).stderr, /it exists/);
  const config = { "data.dir": `${folder.path}/data`, "secrets.key": path };
  {
    await using node = await startNodeProcess({ config });
    await run(node, ["secrets", "set", "A"], value);
    await define(node, "f", { Secrets: ["A"] });
  }
  const first = await Deno.readTextFile(path);
  {
    // The key itself, as the environment may give it.
    const key = first.trim().split("\n").at(-1)!;
    const env = { SERVERLEDGE_SECRETS_KEY: key };
    await using node = await startNodeProcess({ config: { "data.dir": config["data.dir"] }, env });
    assert.equal(await read(node, "f", "A"), value);
    assert(!(await node.cli(["config"])).stdout.includes(key));
    assert(!node.log().includes(key));
  }
  await Deno.remove(path);
  await cli("secrets", "key", "create", path);
  {
    await using node = await startNodeProcess({ config });
    const { code, message } = await read(node, "f", "A");
    assert.equal(code, "INSTANCE_START_FAILED");
    assert.match(
      message,
      /secret "A": it is encrypted with the key [0-9a-f]{12}, but this node has/,
    );
    assert.match(node.log(), /secrets, such as A, are encrypted with keys that this node does not/);
    assert.match((await node.cli(["secrets", "rotate"])).stderr, /Cannot encrypt secret "A" again/);
    const problems = async () => (await get(`${node.url}/healthz`)).body.Problems.join();
    assert.match(await problems(), /secrets: .* not have the key .* that decrypts 1 secret(,|$)/);
    // Both keys, without a restart.
    await Deno.writeTextFile(path, await Deno.readTextFile(path) + first);
    assert.equal(await read(node, "f", "A"), value);
    assert.doesNotMatch(await problems(), /secrets:/);
    assert.equal((await run(node, ["secrets", "rotate"])).Secrets, 1);
    await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace(first, ""));
    await node.cli(["update", "f", "--memory", "96"]);
    assert.equal(await read(node, "f", "A"), value);
  }
  await Deno.chmod(path, 0o640);
  await assert.rejects(
    startNodeProcess({ config }),
    /secrets\.key: other users may read .*chmod 600/,
  );
});

Deno.test("a deployer lets functions use only secrets that are for them by name", async () => {
  await using node = await startNodeProcess();
  const issue = async (grant: object, key?: string): Promise<string> => {
    const response = await fetch(`${node.url}/keys`, {
      method: "POST",
      body: JSON.stringify(grant),
      headers: bearer(key),
    });
    return (await response.json()).Key;
  };
  const admin = await issue({ Name: "root", Role: "admin" });
  const deployer = await issue({ Name: "dev", Role: "deployer", Functions: ["camera-*"] }, admin);
  const set = async (name: string, body: object, key: string) => {
    const response = await fetch(`${node.url}/secrets/${name}`, {
      method: "PUT",
      body: JSON.stringify(body),
      headers: bearer(key),
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await set("ANY", { Value: "a" }, deployer), 403);
  assert.equal(await set("ANY", { Value: "a" }, admin), 200);
  assert.equal(await set("CAMERA", { Value: "c", Functions: ["camera-*"] }, admin), 200);
  const statuses = async (name: string, key: string) => {
    const all = ["CAMERA", "ANY", "MISSING"].map((secret) =>
      define(node, name, { Secrets: [secret] }, key)
    );
    return (await Promise.all(all)).map(({ status }) => status);
  };
  assert.deepEqual(await statuses("camera-1", deployer), [200, 403, 403]);
  assert.deepEqual(await statuses("other", admin), [403, 200, 422]);
  // An admin gave it another secret: its code is then the admin's to change.
  assert.equal((await define(node, "camera-1", { Secrets: ["ANY"] }, admin)).status, 200);
  const patch = async (changes: object) => {
    const response = await fetch(`${node.url}/function/camera-1`, {
      method: "PATCH",
      body: JSON.stringify(changes),
      headers: bearer(deployer),
    });
    return { status: response.status, message: (await response.json()).message };
  };
  assert.equal((await patch({ MemoryMB: 65 })).status, 200);
  for (
    const changes of [{ TarFunctionCode: await code({ "main.js": reader }) }, { Env: { A: "" } }]
  ) {
    const { status, message } = await patch(changes);
    assert.equal(status, 403);
    assert.match(message, /secret "ANY" is not for .*--functions 'camera-1'/);
  }
  assert.equal((await patch({ Secrets: ["CAMERA"], Handler: "main.js" })).status, 200);
});

/**
 * The command line as a process of its own, against the real API over fake services: what it sends, and what it
 * makes of answers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ErrorDetails, ServerledgeError } from "../../lib/base/errors.ts";
import { readTar } from "../../lib/archive/archive.ts";
import type { Definition } from "../../lib/model/function.ts";
import type { InvokeRequest } from "../../lib/model/invocation.ts";
import { invocationOf, sampleReport, sampleResult } from "../support/fakes/fake_services.ts";
import { reportNames } from "../../lib/model/invocation.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";
import { zipBytes } from "../support/functions/zip_bytes.ts";
import { assertRefused, cli, failing, homeless, node, program } from "../support/cli_program.ts";

const jsonOf = ({ json }: InvokeRequest["params"]) => JSON.parse(new TextDecoder().decode(json));

Deno.test("invoke sends what the Go CLI sends, with typed parameters", async () => {
  const seen: [string, InvokeRequest][] = [];
  await using server = node({
    invoke(name, request) {
      seen.push([name, request]);
      return invocationOf(Promise.resolve(sampleResult));
    },
  });
  const { code, stdout } = await server.run(
    ["invoke", "-f", "hello", "-p", "n:5,word:five", "-p", "list:[1,2]", "-o", "-c", "2"],
  );
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), sampleReport);
  const [name, { params, ...request }] = seen.pop()!;
  assert.equal(name, "hello");
  assert.deepEqual(jsonOf(params), { n: 5, word: "five", list: [1, 2] });
  assert.deepEqual(request, {
    qosClass: 2,
    maxResponseS: -1,
    locality: "any",
    canOffload: true,
    isAsync: false,
    returnOutput: true,
  });
  await server.run(["invoke", "hello", "-j", "-", "-p", "b:2", "--ret_output"], '{"a": 1, "b": 1}');
  assert.deepEqual(jsonOf(seen.pop()![1].params), { a: 1, b: 2 });
  assertRefused(await server.run(["invoke", "hello", "-j", "-"], "[1]"), 1, /stdin: expected/);
});

Deno.test("a function that fails gives exit status 5, with its traceback and output", async () => {
  const details: ErrorDetails = {
    error: { type: "ValueError", message: "no" },
    traceback: "Traceback:\n  line 1",
    output: "said before\n",
  };
  await using server = node(
    failing(new ServerledgeError("FUNCTION_ERROR", "ValueError: no", { details })),
  );
  const ended = await server.run(["invoke", "hello"]);
  assert.deepEqual(ended, {
    code: 5,
    stdout: "",
    stderr: "serverledge: ValueError: no\ntraceback:\nTraceback:\n  line 1\noutput:\nsaid before\n",
  });
  const { code, stdout } = await server.run(["invoke", "hello", "--json"]);
  assert.equal(code, 5);
  assert.deepEqual(JSON.parse(stdout), {
    code: "FUNCTION_ERROR",
    message: "ValueError: no",
    ...details,
  });
});

Deno.test("each kind of failure has its exit status", async (t) => {
  const cases = [
    ["FUNCTION_CRASHED", 5],
    ["DEADLINE_EXCEEDED", 6],
    ["NODE_SATURATED", 2],
    ["ENGINE_UNAVAILABLE", 2],
  ] as const;
  for (const [code, status] of cases) {
    await t.step(code, async () => {
      await using server = node(failing(new ServerledgeError(code, "The reason")));
      assertRefused(await server.run(["invoke", "hello"]), status, /: The reason$/m);
    });
  }
  await using server = node();
  for (const args of [["invoke", "nope"], ["delete", "nope"], ["logs", "nope"]]) {
    assertRefused(await server.run(args), 2, /no function "nope"/);
  }
});

Deno.test("--timeout ends the wait with status 6", async () => {
  await using server = node({ invoke: () => invocationOf(new Promise(() => {})) });
  assertRefused(await server.run(["invoke", "hello", "--timeout", "0.05"]), 6, /within 0\.05 s/);
});

Deno.test("poll distinguishes pending, done, failed and unknown invocations", async () => {
  await using server = node({
    poll(id) {
      if (id === "pending") {
        return Promise.resolve({ state: "pending" as const, node: "node1", since: 0 });
      }
      if (id === "done") {
        return Promise.resolve({
          state: "done" as const,
          report: reportNames.fromWire(sampleReport),
        });
      }
      if (id !== "failed") return Promise.resolve(undefined);
      const details = { traceback: "line 1" };
      return Promise.resolve(
        { state: "failed" as const, code: "FUNCTION_ERROR", message: "it threw", details },
      );
    },
  });
  const pending = await server.run(["poll", "pending"]);
  assert.equal(pending.code, 7);
  assert.deepEqual(JSON.parse(pending.stdout), { ReqId: "pending", Status: "pending" });
  assert.equal((await server.run(["poll", "pending", "--wait", "--timeout", "0.1"])).code, 7);
  const done = await server.run(["poll", "--request", "done"]);
  assert.deepEqual([done.code, JSON.parse(done.stdout)], [0, sampleReport]);
  assert.deepEqual(await server.run(["poll", "failed"]), {
    code: 5,
    stdout: "",
    stderr: "serverledge: it threw\ntraceback:\nline 1\n",
  });
  assertRefused(await server.run(["poll", "unknown"]), 2, /no result for this id/);
});

Deno.test("an asynchronous invocation prints its id, or waits for the result", async () => {
  let polls = 0;
  await using server = node({
    poll() {
      if (++polls < 3) return Promise.resolve({ state: "pending", node: "node1", since: 0 });
      return Promise.resolve({ state: "done", report: reportNames.fromWire(sampleReport) });
    },
  });
  const accepted = await server.run(["invoke", "hello", "-a"]);
  assert.deepEqual([accepted.code, accepted.stdout], [0, '{\n\t"ReqId": "hello-1"\n}\n']);
  const waited = await server.run(["invoke", "hello", "--wait"]);
  assert.deepEqual([waited.code, JSON.parse(waited.stdout)], [0, sampleReport]);
  assert.equal(polls, 3);
});

Deno.test("create and update send the definition and the code", async () => {
  const seen: { how: string; definition: Definition }[] = [];
  const record = (how: string) => (definition: Definition) => {
    seen.push({ how, definition });
    return Promise.resolve();
  };
  await using server = node({ create: record("create"), update: record("update") });
  await using folder = await tempDir("cli");
  await Deno.mkdir(`${folder.path}/app/inner`, { recursive: true });
  await Deno.writeTextFile(`${folder.path}/app/a.py`, "a");
  await Deno.writeTextFile(`${folder.path}/app/inner/b.py`, "b");
  const zip = zipBytes([{ name: "a.py", text: "a" }, { name: "inner/b.py", text: "b" }]);
  await Deno.writeFile(`${folder.path}/app.zip`, zip);

  const paths = async (args: readonly string[]) => {
    const ended = await server.run(args);
    assert.equal(ended.code, 0, ended.stderr);
    const code = Uint8Array.fromBase64(String(seen.at(-1)!.definition.code));
    return (await readTar(code)).filter(({ data }) => data).map(({ path }) => path);
  };
  const src = (path: string) => ["create", "hello", "--handler", "a.f", "--src", path];
  assert.deepEqual(await paths(src(`${folder.path}/app/a.py`)), ["a.py"]);
  assert.deepEqual(await paths(src(`${folder.path}/app/`)), ["app/a.py", "app/inner/b.py"]);
  assert.deepEqual(await paths(src(`${folder.path}/app.zip`)), ["a.py", "inner/b.py"]);
  assert.deepEqual(seen.map(({ how }) => how), ["create", "create", "create"]);

  assert.deepEqual(await paths([...src(`${folder.path}/app/a.py`), "-u"]), ["a.py"]);
  assert.equal(seen.at(-1)!.how, "update");
  const options = "--memory 256 --cpu 0.5 -C 4 --timeout 500 --env A=b=c --network bridge " +
    "--min_instances 1 --locality EDGE,CLOUD -i n:Int,m:Text -o r:Float";
  const whole = ["--replace", "--src", `${folder.path}/app/a.py`, ...options.split(" ")];
  await paths(["update", "hello", ...whole]);
  const { code: _, ...definition } = seen.at(-1)!.definition;
  assert.deepEqual(definition, {
    name: "hello",
    runtime: "python",
    memoryMib: 256,
    cpu: 0.5,
    maxConcurrency: 4,
    handler: "",
    customImage: "",
    architectures: [],
    signature: {
      inputs: [{ name: "n", type: "Int" }, { name: "m", type: "Text" }],
      outputs: [{ name: "r", type: "Float" }],
    },
    timeoutMs: 500,
    env: { A: "b=c" },
    network: "bridge",
    locality: ["EDGE", "CLOUD"],
    invokes: [],
    secrets: [],
    minInstances: 1,
  });
});

Deno.test("update sends only the given fields, or the whole definition if the function does not exist", async () => {
  const patched: unknown[] = [];
  const created: Definition[] = [];
  await using server = node({
    patch(name, changes) {
      if (name !== "hello") {
        return Promise.reject(new ServerledgeError("FUNCTION_UNKNOWN", `There is no ${name}`));
      }
      patched.push(changes);
      return Promise.resolve();
    },
    create(definition) {
      created.push(definition);
      return Promise.resolve();
    },
  });
  await using folder = await tempDir("cli");
  const file = `${folder.path}/a.py`;
  await Deno.writeTextFile(file, "a");

  const options = "--memory 256 --env A=1 --unset_env B".split(" ");
  const ended = await server.run(["update", "hello", ...options]);
  assert.deepEqual([ended.code, ended.stdout], [0, '{\n\t"Updated": "hello"\n}\n'], ended.stderr);
  assert.deepEqual(patched, [{ MemoryMB: 256, Env: { A: "1", B: null } }]);
  await server.run(["update", "hello", "--src", file]);
  assert.deepEqual(Object.keys(patched[1]!), ["TarFunctionCode"]);

  assertRefused(await server.run(["update", "hello"]), 1, /Nothing to change/);
  assertRefused(await server.run(["update", "new", "--memory", "64"]), 2, /There is no new/);
  assert.equal((await server.run(["update", "new", "--src", file, "--handler", "a.f"])).code, 0);
  assert.deepEqual([created[0]!.name, created[0]!.handler], ["new", "a.f"]);
});

Deno.test("create warns about links in a directory, which it skips", async () => {
  await using server = node({ create: () => Promise.resolve() });
  await using folder = await tempDir("cli");
  await Deno.writeTextFile(`${folder.path}/a.py`, "a");
  await Deno.symlink("a.py", `${folder.path}/b.py`);
  const ended = await server.run(["create", "a", "--src", folder.path]);
  assert.equal(ended.code, 0);
  assert.match(ended.stderr, /^warning: skipped 1 link: b\.py; [^\n]+\n$/);
});

Deno.test("create sends a URL unchanged, and no code for a custom image", async () => {
  const seen: Definition[] = [];
  await using server = node({
    create(definition) {
      seen.push(definition);
      return Promise.resolve();
    },
  });
  const ended = await server.run(["create", "a", "--src", "https://example.org/a.tar"]);
  assert.deepEqual([ended.code, ended.stdout], [0, '{\n\t"Created": "a"\n}\n']);
  assert.equal(atob(String(seen[0]!.code)), "https://example.org/a.tar");
  await server.run(["create", "b", "--runtime", "custom", "--custom_image", "me/b"]);
  assert.deepEqual([seen[1]!.customImage, seen[1]!.code], ["me/b", ""]);
});

Deno.test("logs --follow prints lines as they arrive and ends with the node's response", async () => {
  await using server = node({
    async *followLogs(name, lines) {
      yield [`${name} ${lines}`, "two"];
      await new Promise((resolve) => setTimeout(resolve, 50));
      yield ["three"];
    },
  });
  const followed = await server.run(["logs", "-f", "hello", "-n", "7"]);
  assert.deepEqual([followed.code, followed.stdout], [0, "hello 7\ntwo\nthree\n"], followed.stderr);
  assertRefused(
    await server.run(["logs", "hello", "-f", "--json"]),
    1,
    /cannot be combined with --json/,
  );
});

Deno.test("logs are plain lines", async () => {
  await using server = node({
    logs: (_name, lines) => Promise.resolve(["one", "two"].slice(0, lines)),
  });
  assert.equal((await server.run(["logs", "hello"])).stdout, "one\ntwo\n");
  assert.equal((await server.run(["logs", "hello", "-n1"])).stdout, "one\n");
  const { stdout } = await server.run(["logs", "hello", "--json"]);
  assert.deepEqual(JSON.parse(stdout), { Function: "hello", Lines: ["one", "two"] });
});

Deno.test("prewarm reports how many instances started", async () => {
  await using server = node();
  const { stdout } = await server.run(["prewarm", "-f", "hello", "-c", "3", "--force_pull"]);
  assert.deepEqual(JSON.parse(stdout), { Prewarmed: 3 });
});

Deno.test("config shows values and their origins", async () => {
  await using folder = await tempDir("cli");
  const path = `${folder.path}/node.yaml`;
  await Deno.writeTextFile(path, "api:\n  port: 4000\nregistry.area: edge\ncache.size: 5\n");
  const env = { SERVERLEDGE_REGISTRY_AREA: "cloud", SERVERLEDGE_ETCD_PASSWORD: "s3cret" };
  const args = ["config", path, "--set", "log.level=debug", "-P", "5000"];
  const { code, stdout, stderr } = await cli(args, env);
  assert.equal(code, 0);
  assert.match(stdout, /^api\.port +5000 +command line$/m);
  assert.match(stdout, /^registry\.area +cloud +environment$/m);
  assert.match(stdout, /^log\.level +debug +command line$/m);
  assert.match(stdout, /^janitor\.interval +30 +default$/m);
  assert.ok(!stdout.includes("s3cret"));
  assert.match(stderr, /^warning: cache\.size [^\n]+\n$/);
  const rows = JSON.parse((await cli([...args, "--json"], env)).stdout);
  assert.deepEqual(rows[1], { key: "api.port", value: 5000, origin: "command line" });

  const example = await cli(["config", "--example"]);
  await Deno.writeTextFile(path, example.stdout);
  assert.equal((await cli(["config", path])).code, 0);
  await Deno.writeTextFile(path, "api:\n  port: [1\n");
  assertRefused(await cli(["config", path]), 1, /node\.yaml, line \d+: /);
});

Deno.test("the port of the configuration file in the home directory is used", async () => {
  await using server = node();
  await using folder = await tempDir("cli");
  await Deno.writeTextFile(`${folder.path}/serverledge-conf.yaml`, `api.port: ${server.port}\n`);
  assert.equal((await cli(["list"], { HOME: folder.path })).stdout, "[]\n");
});

Deno.test("a reader that stops early is not an error", async () => {
  await using server = node();
  const command = [...program, "status"].map((word) => `'${word}'`).join(" ");
  const env = { ...homeless, SERVERLEDGE_PORT: String(server.port) };
  const ended = await runToEnd(["bash", "-c", `${command} | head -c 1`], { env });
  assert.deepEqual(ended, { code: 0, stdout: "{", stderr: "" });
});

Deno.test("images lists, pulls and prunes", async () => {
  const asked: unknown[] = [];
  await using api = node({
    images() {
      asked.push("list");
      return Promise.resolve([]);
    },
    pullImages(names, { refresh }) {
      asked.push([...names, refresh]);
      return Promise.resolve({ pulled: [...names], present: [] });
    },
    pruneImages({ dryRun, unpublished }) {
      asked.push({ dryRun, unpublished });
      return Promise.resolve({ dryRun, removed: [], kept: [] });
    },
  });
  for (
    const line of [
      "images",
      "images pull",
      "images pull a:1 b --refresh",
      "images prune --dry-run",
      "images prune --unpublished",
    ]
  ) {
    const { code, stderr } = await api.run(line.split(" "));
    assert.equal(code, 0, `${line}: ${stderr}`);
  }
  assert.deepEqual(asked, [
    "list",
    [false],
    ["a:1", "b", true],
    { dryRun: true, unpublished: false },
    { dryRun: false, unpublished: true },
  ]);
  const { stdout } = await api.run(["images", "pull", "a:1"]);
  assert.deepEqual(JSON.parse(stdout), { Pulled: ["a:1"], Present: [] });
  assertRefused(await api.run(["images", "prnue"]), 1, /prnue/);
});

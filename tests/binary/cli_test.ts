/**
 * The command line as a process of its own, against the real API over fake services: output for
 * scripts, error lines and exit statuses. It is the binary that `SERVERLEDGE_BINARY` names, else
 * the source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createApp } from "../../lib/api/app.ts";
import { serveApi } from "../../lib/api/server.ts";
import type { ApiServices } from "../../lib/api/services.ts";
import { type ErrorDetails, ServerledgeError } from "../../lib/base/errors.ts";
import { readTar } from "../../lib/archive/archive.ts";
import type { Definition } from "../../lib/model/function.ts";
import type { InvokeRequest } from "../../lib/model/invocation.ts";
import {
  fakeServices,
  invocationOf,
  sampleReport,
  sampleResult,
} from "../support/fakes/fake_services.ts";
import { reportNames } from "../../lib/model/invocation.ts";
import { cleanEnv, runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";
import { zipBytes } from "../support/functions/zip_bytes.ts";

const root = new URL("../../", import.meta.url).pathname;
const binary = Deno.env.get("SERVERLEDGE_BINARY");
const program = binary ? [binary] : [Deno.execPath(), "run", "--quiet", "-A", `${root}main.ts`];

/** An environment without a configuration file at home, but with Deno's cache, which lies there. */
const homeless: Record<string, string> = {
  ...cleanEnv(),
  HOME: "/nonexistent",
  XDG_CACHE_HOME: Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`,
};

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line without a node. */
function cli(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return runToEnd([...program, ...args], { env: { ...homeless, ...env } });
}

/** A node's API, and the command line that talks to it. */
function node(overrides: Partial<ApiServices> = {}) {
  const server = serveApi(createApp(fakeServices(overrides)).handle, {
    hostname: "127.0.0.1",
    port: 0,
  });
  const env = { ...homeless, SERVERLEDGE_PORT: String(server.port) };
  return {
    port: server.port,
    run: (args: readonly string[], stdin?: string): Promise<Ended> =>
      runToEnd([...program, ...args], { env, ...(stdin !== undefined && { stdin }) }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A node that fails each invocation with an error. */
function failing(error: ServerledgeError): Partial<ApiServices> {
  return { invoke: () => invocationOf(Promise.reject(error)) };
}

/** Asserts that a command failed with one line and nothing else. */
function assertRefused(ended: Ended, code: number, line: RegExp): void {
  assert.equal(ended.code, code, ended.stderr);
  assert.equal(ended.stdout, "");
  assert.match(ended.stderr, /^serverledge: [^\n]+\n$/);
  assert.match(ended.stderr, line);
}

Deno.test("a wrong command line is one line and status 1", async (t) => {
  const cases: [string, RegExp][] = [
    ["statsu", /"statsu".*`status`.*serverledge --help/],
    ["status --jsn", /"--jsn".*Did you mean `--json`\?.*serverledge status --help/],
    ["status extra", /"extra"/],
    ["status -P abc", /"abc"/],
    ["status -H a/b", /host is "a\/b"/],
    ["status -P 0", /1 to 65535/],
    ["invoke", /Name the function/],
    ["invoke a -f b", /two names/],
    ["invoke a -p novalue", /NAME:VALUE/],
    ["invoke a -j /nope.json", /\/nope\.json: there is no such file/],
    ["invoke a -c 1.5", /"1\.5" is no QoS class/],
    ["create a", /--src/],
    ["create a --runtime custom", /--custom_image/],
    ["create a --src x --memory lots", /"lots"/],
    ["create a --src x --network host", /"host"/],
    ["create a --src x --env novalue", /NAME=VALUE/],
    ["poll", /Name the invocation/],
    ["config --set novalue", /KEY=VALUE/],
    ["config --set api.prot=1", /did you mean api\.port\?/],
    ["config --set api.port=many", /api\.port \(command line\): expected an integer/],
    ["config /nope.yaml", /there is no such file/],
    ["start --set api.prot=1", /did you mean api\.port\?/],
    ["start -H 0.0.0.0", /--listen/],
  ];
  for (const [line, reason] of cases) {
    await t.step(line, async () => assertRefused(await cli(line.split(" ")), 1, reason));
  }
});

Deno.test("no node, or a host that is none, is one line and status 2", async () => {
  // Port 1 is privileged and unused: nobody answers there.
  assertRefused(await cli(["status", "-P", "1"]), 2, /127\.0\.0\.1:1.*serverledge start/);
  assertRefused(
    await cli(["list", "-H", "host.invalid"]),
    2,
    /host\.invalid:1323: its name cannot be resolved; see --host$/m,
  );
});

Deno.test("a bad source is status 3, a bad signature status 4", async () => {
  assertRefused(await cli(["create", "a", "--src", "/nope"]), 3, /\/nope as source: there is no/);
  const args = ["create", "a", "--src", `${root}LICENSE`, "-i", "n:Integer"];
  assertRefused(await cli(args), 4, /"n:Integer".*ArrayArrayFloat/);
});

Deno.test("--help of each command shows usage and examples", async (t) => {
  const { code, stdout } = await cli(["--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /Exit status: 0 ok, 1 usage/);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name!);
  assert.ok(commands.length >= 12, stdout);
  for (const name of commands.filter((name) => name !== "completions")) {
    await t.step(name, async () => {
      const help = await cli([name, "--help"]);
      assert.equal(help.code, 0);
      assert.match(help.stdout, new RegExp(`Usage: serverledge ${name} `));
      assert.match(help.stdout, /Examples:/);
    });
  }
});

Deno.test("version tells version, commit and Deno", async () => {
  for (const args of [["--version"], ["version"]]) {
    const { code, stdout } = await cli(args);
    assert.equal(code, 0);
    assert.match(stdout, /^serverledge \d+\.\d+\.\d+ \(commit [\w-]+, Deno \d+\.\d+\.\d+\)\n$/);
  }
  const { stdout } = await cli(["version", "--json"]);
  assert.deepEqual(Object.keys(JSON.parse(stdout)), ["Version", "Commit", "Deno"]);
});

Deno.test("shells get completion scripts, and their questions answered", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await cli(["completions", shell]);
    assert.equal(code, 0);
    assert.match(stdout, /serverledge/);
  }
  assert.match((await cli(["completions", "bash", "inv"])).stdout, /invoke/);
  assert.match((await cli(["completions", "fish", "invoke", "--par"])).stdout, /--params_file/);
  const script = (await cli(["completions", "bash"])).stdout;
  assert.equal((await runToEnd(["bash", "-n"], { stdin: script })).code, 0);
});

Deno.test("scripts get the node's JSON, indented by tabs", async () => {
  await using server = node();
  const { code, stdout, stderr } = await server.run(["status"]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(stdout.startsWith('{\n\t"AvailableWarmContainers": {\n\t\t"hello": 1\n\t},\n'), stdout);
  assert.equal((await server.run(["status", "--json"])).stdout, stdout);
});

Deno.test("people on a terminal get tables, in colour unless NO_COLOR is set", async () => {
  await using server = node();
  const env: Record<string, string> = { ...homeless, TERM: "xterm" };
  delete env.NO_COLOR;
  const onTerminal = async (args: readonly string[], more: Record<string, string> = {}) => {
    const line = [...program, "-P", String(server.port), ...args].join(" ");
    // script(1) gives the command a terminal of its own.
    const command = ["script", "--quiet", "--return", "--command", line, "/dev/null"];
    return await runToEnd(command, { env: { ...env, ...more } });
  };
  const escape = "\x1b";
  const status = await onTerminal(["status"]);
  assert.match(status.stdout, /^node +node1 in ROME, amd64/m);
  assert.match(status.stdout, /^FUNCTION +STARTING +BUSY +IDLE\r?$/m);
  assert.ok(status.stdout.includes(escape));
  const plain = await onTerminal(["status"], { NO_COLOR: "1" });
  assert.match(plain.stdout, /^registry +embedded, ok\r?$/m);
  assert.ok(!plain.stdout.includes(escape));
  assert.match((await onTerminal(["list"])).stdout, /No functions yet/);
  assert.match((await onTerminal(["list", "--details"])).stdout, /No functions yet/);
  assert.match((await onTerminal(["invoke", "hello"])).stdout, /"sum": 3[^]*warm start, 2\.00 ms/);
  assert.match((await onTerminal(["status", "--json"])).stdout, /^\{\r?\n\t"Available/);
  const refused = await onTerminal(["invoke", "nope"]);
  assert.equal(refused.code, 2);
  assert.match(refused.stdout, /no function/i);
});

Deno.test("flags for host and port stand before or after the command and win", async () => {
  await using server = node();
  const [host, port] = ["127.0.0.1", String(server.port)];
  const env = { SERVERLEDGE_HOST: "host.invalid", SERVERLEDGE_PORT: "1" };
  for (const args of [["-H", host, "-P", port, "list"], ["list", `-H${host}`, `--port=${port}`]]) {
    assert.deepEqual(await cli(args, env), { code: 0, stdout: "[]\n", stderr: "" });
  }
});

Deno.test("a web proxy of the environment is not asked", async () => {
  await using server = node();
  const env = { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1" };
  const { code } = await cli(["list", "-P", String(server.port)], env);
  assert.equal(code, 0);
});

Deno.test("--verbose tells on stderr what is sent", async () => {
  await using server = node();
  const { stdout, stderr } = await server.run(["-v", "list"]);
  assert.equal(stdout, "[]\n");
  assert.match(stderr, /^> GET http:\/\/127\.0\.0\.1:\d+\/function\n< 200 after \d+ ms\n$/);
});

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

Deno.test("a function that fails is status 5, with its traceback and output", async () => {
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
    assertRefused(await server.run(args), 2, /no function nope/);
  }
});

Deno.test("--timeout ends the wait with status 6", async () => {
  await using server = node({ invoke: () => invocationOf(new Promise(() => {})) });
  assertRefused(await server.run(["invoke", "hello", "--timeout", "0.05"]), 6, /within 0\.05 s/);
});

Deno.test("poll tells pending, done, failed and unknown apart", async () => {
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
  assertRefused(await server.run(["poll", "unknown"]), 2, /no result of that id/);
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
    minInstances: 1,
  });
});

Deno.test("update sends what is named, and the whole where there is no such function", async () => {
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

Deno.test("create warns of the links of a folder, which it leaves out", async () => {
  await using server = node({ create: () => Promise.resolve() });
  await using folder = await tempDir("cli");
  await Deno.writeTextFile(`${folder.path}/a.py`, "a");
  await Deno.symlink("a.py", `${folder.path}/b.py`);
  const ended = await server.run(["create", "a", "--src", folder.path]);
  assert.equal(ended.code, 0);
  assert.match(ended.stderr, /^warning: left out 1 link: b\.py; [^\n]+\n$/);
});

Deno.test("create of a URL sends the URL, of a custom image no code", async () => {
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

Deno.test("logs --follow prints lines as they come and ends with the node's answer", async () => {
  await using server = node({
    async *followLogs(name, lines) {
      yield [`${name} ${lines}`, "two"];
      await new Promise((resolve) => setTimeout(resolve, 50));
      yield ["three"];
    },
  });
  const followed = await server.run(["logs", "-f", "hello", "-n", "7"]);
  assert.deepEqual([followed.code, followed.stdout], [0, "hello 7\ntwo\nthree\n"], followed.stderr);
  assertRefused(await server.run(["logs", "hello", "-f", "--json"]), 1, /leave out --json/);
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

Deno.test("prewarm tells how many started", async () => {
  await using server = node();
  const { stdout } = await server.run(["prewarm", "-f", "hello", "-c", "3", "--force_pull"]);
  assert.deepEqual(JSON.parse(stdout), { Prewarmed: 3 });
});

Deno.test("config shows values and where they come from", async () => {
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

Deno.test("the port of the configuration file in the home folder is used", async () => {
  await using server = node();
  await using folder = await tempDir("cli");
  await Deno.writeTextFile(`${folder.path}/serverledge-conf.yaml`, `api.port: ${server.port}\n`);
  assert.equal((await cli(["list"], { HOME: folder.path })).stdout, "[]\n");
});

Deno.test("a reader that leaves early is no error", async () => {
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

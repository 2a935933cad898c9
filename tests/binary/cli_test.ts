/**
 * The command line as a process of its own, against the real API over fake services: output for scripts and
 * people, error lines and exit statuses.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runToEnd } from "../support/process.ts";
import { assertRefused, cli, homeless, node, program, root } from "../support/cli_program.ts";

Deno.test("a wrong command line gives one line and exit status 1", async (t) => {
  const cases: [string, RegExp][] = [
    ["statsu", /"statsu".*`status`.*serverledge --help/],
    ["status --jsn", /"--jsn".*Did you mean `--json`\?.*serverledge status --help/],
    ["status extra", /"extra"/],
    ["status -P abc", /"abc"/],
    ["status -H a/b", /host is "a\/b"/],
    ["status -P 0", /1 to 65535/],
    ["invoke", /Name the function/],
    ["invoke a -f b", /both given as names/],
    ["invoke a -p novalue", /NAME:VALUE/],
    ["invoke a -j /nope.json", /\/nope\.json: no such file or directory/],
    ["invoke a -c 1.5", /"1\.5" is not a QoS class/],
    ["create a", /--src/],
    ["create a --runtime custom", /--custom_image/],
    ["create a --src x --memory lots", /"lots"/],
    ["create a --src x --network host", /"host"/],
    ["create a --src x --env novalue", /NAME=VALUE/],
    ["poll", /Name the invocation/],
    ["config --set novalue", /KEY=VALUE/],
    ["config --set api.prot=1", /did you mean api\.port\?/],
    ["config --set api.port=many", /api\.port \(command line\): expected an integer/],
    ["config /nope.yaml", /no such file or directory/],
    ["start --set api.prot=1", /did you mean api\.port\?/],
    ["start -H 0.0.0.0", /--listen/],
  ];
  for (const [line, reason] of cases) {
    await t.step(line, async () => assertRefused(await cli(line.split(" ")), 1, reason));
  }
});

Deno.test("an unreachable node or an unknown host gives one line and exit status 2", async () => {
  // Port 1 is privileged and unused: nobody answers there.
  assertRefused(await cli(["status", "-P", "1"]), 2, /127\.0\.0\.1:1.*serverledge start/);
  assertRefused(
    await cli(["list", "-H", "host.invalid"]),
    2,
    /host\.invalid:1323: the host name cannot be resolved; check --host$/m,
  );
});

Deno.test("a bad source gives exit status 3, a bad signature 4", async () => {
  assertRefused(await cli(["create", "a", "--src", "/nope"]), 3, /\/nope as source: no such file/);
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

Deno.test("version prints version, commit and Deno version", async () => {
  for (const args of [["--version"], ["version"]]) {
    const { code, stdout } = await cli(args);
    assert.equal(code, 0);
    assert.match(stdout, /^serverledge \d+\.\d+\.\d+ \(commit [\w-]+, Deno \d+\.\d+\.\d+\)\n$/);
  }
  const { stdout } = await cli(["version", "--json"]);
  assert.deepEqual(Object.keys(JSON.parse(stdout)), ["Version", "Commit", "Deno"]);
});

Deno.test("shells get completion scripts and completions", async () => {
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

Deno.test("a terminal gets tables, in colour unless NO_COLOR is set", async () => {
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

Deno.test("options for host and port are accepted before and after the command and take precedence", async () => {
  await using server = node();
  const [host, port] = ["127.0.0.1", String(server.port)];
  const env = { SERVERLEDGE_HOST: "host.invalid", SERVERLEDGE_PORT: "1" };
  for (const args of [["-H", host, "-P", port, "list"], ["list", `-H${host}`, `--port=${port}`]]) {
    assert.deepEqual(await cli(args, env), { code: 0, stdout: "[]\n", stderr: "" });
  }
});

Deno.test("a web proxy in the environment is not used", async () => {
  await using server = node();
  const env = { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1" };
  const { code } = await cli(["list", "-P", String(server.port)], env);
  assert.equal(code, 0);
});

Deno.test("--verbose prints the requests and responses to stderr", async () => {
  await using server = node();
  const { stdout, stderr } = await server.run(["-v", "list"]);
  assert.equal(stdout, "[]\n");
  assert.match(stderr, /^> GET http:\/\/127\.0\.0\.1:\d+\/function\n< 200 after \d+ ms\n$/);
});

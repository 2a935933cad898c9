/**
 * `serverledge bench` of the compiled program against a real node with a real container, and what it
 * refuses.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { LoadResult } from "../../lib/lab/load/report/result.ts";
import { post, python } from "../support/client.ts";
import { defaultBinary, type NodeProcess, startNodeProcess } from "../support/node.ts";
import { cleanEnv } from "../support/process.ts";
import { RawServer, sayWhole } from "../support/network/raw_server.ts";
import { tempDir } from "../support/temp_dir.ts";

const source = `
def f(params, context):
    return {"n": params.get("n")}
`;

/** Runs `bench` and reads its JSON. */
async function bench(node: NodeProcess, args: readonly string[]): Promise<LoadResult> {
  const { code, stdout, stderr } = await node.cli(["bench", ...args, "--json", "-"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

Deno.test("bench: loads a node and writes its reports", async (t) => {
  await using node = await startNodeProcess({
    config: { "registry.area": "EDGE", "qos.critical": { id: 1, limit: 5 } },
  });
  const created = await post(`${node.url}/create`, await python("echo", source));
  assert.equal(created.status, 200, JSON.stringify(created.body));
  await using folder = await tempDir("bench");
  const file = (name: string) => `${folder.path}/${name}`;

  await t.step("open loop, two classes, all reports", async () => {
    const { code, stdout, stderr } = await node.cli([
      ...["bench", "echo@critical=1", "echo=1", "-p", "n:7", "--expect", '{"n":7}'],
      ...["--rate", "100", "--warm-up", "1", "--duration", "2", "--resptime", "5"],
      ...["--json", file("r.json"), "--csv", file("r.csv"), "--html", file("r.html")],
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /FUNCTION +CLASS +DUE +OK/);
    assert.ok(!stderr.includes("\r"), "no progress without a terminal");
    const result: LoadResult = JSON.parse(await Deno.readTextFile(file("r.json")));
    assert.deepEqual(Object.keys(result.total.outcomes), ["ok"], JSON.stringify(result.total));
    assert.equal(result.total.ok, result.total.due);
    assert.ok(result.total.due > 120 && result.total.due < 280, `${result.total.due}`);
    assert.deepEqual(result.kinds.map((kind) => kind.class), ["critical", ""]);
    assert.ok(result.total.server!.where.every(({ area }) => area === "EDGE"));
    assert.equal(result.total.server!.where[0]!.count, result.total.ok);
    assert.ok(result.total.server!.executionMs!.p50 < result.total.responseMs!.max);
    const slices = (await Deno.readTextFile(file("r.csv"))).trimEnd().split("\n").slice(1);
    const good = slices.reduce((sum, line) => sum + Number(line.split(",")[5]), 0);
    assert.equal(good, result.total.ok);
    assert.match(await Deno.readTextFile(file("r.html")), /<svg [^]*echo, class critical/);
  });

  await t.step(
    "closed loop, limited by the number of requests; failures of the function are counted",
    async () => {
      const { total } = await bench(node, [
        "echo",
        "-n",
        "4",
        "--requests",
        "50",
        "--warm-up",
        "0",
      ]);
      assert.deepEqual(total.outcomes, { ok: 50 });
      await Deno.writeTextFile(
        file("s.yaml"),
        "clients: 2\nrequests: 10\nmix:\n- {function: echo}\n",
      );
      const fromFile = await bench(node, ["--scenario", file("s.yaml"), "--warm-up", "0"]);
      assert.equal(fromFile.total.ok, 10);
    },
  );

  await t.step(
    "exit status is 5 for unexpected responses, 2 and 1 for unknown functions and files",
    async () => {
      const run = (...args: string[]) => node.cli(["bench", ...args, "--requests", "5"]);
      assert.equal((await run("echo", "--expect", "other", "--warm-up", "0")).code, 5);
      const before = await Deno.readTextFile(file("r.json"));
      const unknown = await run("nothere", "--json", file("r.json"));
      assert.equal(unknown.code, 2);
      assert.match(unknown.stderr, /has no function "nothere"/);
      assert.equal(await Deno.readTextFile(file("r.json")), before, "the last report is kept");
      assert.equal((await run("echo", "--html", "/nope/r.html")).code, 1);
      assert.equal((await run("echo", "--trace", file("none.csv"))).code, 1);
    },
  );
});

Deno.test("bench: refuses a target that is not a node, except with --plain or --url", async () => {
  using server = new RawServer((conn) => sayWhole(conn, '{"hello": "world"}'));
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(defaultBinary(), {
      args: ["bench", ...args, "--requests", "20", "--warm-up", "0"],
      clearEnv: true,
      env: cleanEnv(),
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  };
  const refused = await run("hello", "-H", "127.0.0.1", "-P", String(server.port));
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /does not respond to GET \/status like a node .*--url.*--plain/);
  assert.ok(server.requests.every((text) => !text.startsWith("POST")), "nothing was invoked");
  const plain = await run("hello", "-H", "127.0.0.1", "-P", String(server.port), "--plain");
  assert.equal(plain.code, 0, plain.stderr);
  assert.equal((await run("--url", `${server.url}/x`, "--expect", "world")).code, 0);
  assert.equal((await run("--url", `${server.url}/x`, "--expect", "nothing")).code, 5);
});

Deno.test("bench: stops at SIGINT and shows its results", async () => {
  const begun = Promise.withResolvers<void>();
  using server = new RawServer((conn, _, count) => {
    if (count === 20) begun.resolve();
    return sayWhole(conn, "pong");
  });
  const child = new Deno.Command(defaultBinary(), {
    args: ["bench", "--url", server.url, "--rate", "200", "--warm-up", "0", "--json", "-"],
    clearEnv: true,
    env: cleanEnv(),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  await Promise.race([begun.promise, output]);
  child.kill("SIGINT");
  const { code, stdout } = await output;
  const result: LoadResult = JSON.parse(new TextDecoder().decode(stdout));
  assert.equal(code, 0);
  assert.ok(result.isInterrupted && result.total.ok > 0 && result.seconds < 29);
});

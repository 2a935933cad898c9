import assert from "node:assert/strict";
import { binaryImage } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import { post } from "../support/client.ts";
import { buildOwnExecutor } from "../support/functions/own_executor.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";

const example = new URL("../../examples/binary/fn.sh", import.meta.url).pathname;

Deno.test("the shell script of the examples responds over plain HTTP and to invoke", async () => {
  await using node = await startNodeProcess({ config: { "runtimes.binary.image": binaryImage } });
  const created = await node.cli(
    ["create", "words", "--runtime", "binary", "--src", example, "--http", "stdio"],
  );
  assert.equal(created.code, 0, created.stderr);
  const answer = await fetch(`${node.url}/fn/words/`, {
    method: "POST",
    body: "three words here",
    headers: { "accept-language": "it-IT" },
  });
  assert.deepEqual([answer.status, await answer.text()], [200, "3 parole\n"]);
  const invoked = await node.cli(["invoke", "words", "-p", "text:one two"]);
  assert.match(invoked.stdout, /2 words/, invoked.stderr);

  const refused = await node.cli([
    "create",
    "bad",
    "--runtime",
    "binary",
    "--src",
    example,
    "--handler",
    "../x",
  ]);
  assert.match(
    refused.stderr,
    /Handler: "\.\.\/x" must be a file of the code, optionally with arguments/,
  );
  const cgi = await node.cli([
    "create",
    "bad",
    "--runtime",
    "binary",
    "--src",
    example,
    "--http",
    "cgi",
  ]);
  assert.match(cgi.stderr, /Http: only commands of the runtime wasm support cgi/);
});

Deno.test("a program that is its own executor invokes functions that its definition names", async () => {
  await using node = await startNodeProcess({ config: { "runtimes.binary.image": binaryImage } });
  await using folder = await tempDir("executor");
  await buildOwnExecutor(`${folder.path}/own`);
  await Deno.writeTextFile(`${folder.path}/echo.sh`, "#!/bin/sh\ncat", { mode: 0o755 });
  const create = async (name: string, file: string, ...options: string[]) => {
    const common = ["create", name, "--runtime", "binary", "--src", `${folder.path}/${file}`];
    const { code, stderr } = await node.cli([...common, ...options]);
    assert.equal(code, 0, stderr);
  };
  await create("echo", "echo.sh", "--handler", "echo.sh");
  await create("other", "echo.sh", "--handler", "echo.sh");
  await create("caller", "own", "--handler", "executor:own", "--invokes", "ech*");
  const call = (name: string) =>
    post(`${node.url}/invoke/caller`, { Params: { invoke: name, text: "é", n: [1, null] } });
  const { status, body } = await call("echo");
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(JSON.parse(body.Result), { invoke: "echo", text: "é", n: [1, null] });
  const denied = await call("other");
  assert.deepEqual([denied.status, denied.body.code], [500, "FUNCTION_ERROR"]);
  assert.match(denied.body.message, /FORBIDDEN: .*"caller" may not invoke "other"/);
});

Deno.test("a program that continues past its deadline is ended with its children", async () => {
  await using node = await startNodeProcess({ config: { "runtimes.binary.image": binaryImage } });
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/fn.sh`, "#!/bin/sh\nsetsid sleep 7003 & sleep 7003");
    const created = await node.cli(
      ["create", "slow", "--runtime", "binary", "--src", `${folder}/fn.sh`, "--timeout", "300"],
    );
    assert.equal(created.code, 0, created.stderr);
    const answer = await fetch(`${node.url}/invoke/slow`, { method: "POST", body: "{}" });
    assert.equal(answer.status, 504, await answer.text());
    await eventually("no process is left", async () => {
      const { stdout } = await new Deno.Command("ps", { args: ["-eo", "args"] }).output();
      return !new TextDecoder().decode(stdout).includes("sleep 7003");
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

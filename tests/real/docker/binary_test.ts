/**
 * What is special of functions that are programs; what they share with others is in the contract of
 * environments.
 *
 * @module
 */

import assert from "node:assert/strict";
import { nativePrograms } from "../../../lib/runtime/docker/native/programs.ts";
import type { Instance, Reply } from "../../../lib/runtime/environment.ts";
import { type CallChange, failure, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, dockerWorld } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";
import { buildOwnExecutor } from "../../support/functions/own_executor.ts";
import { announced, genericWorld, taken } from "../../support/generic_world.ts";
import { tempDir } from "../../support/temp_dir.ts";

const never = new AbortController().signal;
const own = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

/** A request over plain HTTP, with its body first: members come in any order. */
const request = {
  body: "aGVsbG8K",
  isBase64Encoded: true,
  method: "POST",
  url: "/a%20b?x=1&y=2",
  path: "/a%20b",
  query: { x: "1", y: "2" },
  headers: {
    "x-name": "J\u00c3\u00bcrgen",
    proxy: "evil",
    "content-type": "text/plain",
    own: "sent",
  },
};

Deno.test("binary: input of programs, and results from their output", async (t) => {
  await using world = await dockerWorld();
  const start = (handler: string, change = {}) =>
    world.environment.start(dockerFunction("binary", `program.sh ${handler}`, change), never);
  const once = async (handler: string, call?: CallChange, change = {}): Promise<Reply> => {
    await using instance = await start(handler, change);
    return await instance.invoke(dockerCall(call));
  };

  await t.step("JSON is the result, other text a string, nothing null, bytes a body", async () => {
    const cases: [printed: string, result: unknown][] = [
      ['{"a":[1,2.5e3,"\\u00e9",true]}\\r\\n', { a: [1, 2500, "é", true] }],
      ['say "hi"\\tnow\\n', 'say "hi"\tnow'],
      ["01", "01"],
      ['{"a":}', '{"a":}'],
      ["[1] 2", "[1] 2"],
      ["", null],
      ["\\377", { statusCode: 200, body: "/w==", isBase64Encoded: true }],
    ];
    for (const [printed, result] of cases) {
      const found = value(await once(`print ${printed.replaceAll(" ", "\\040")}`));
      if (printed !== "\\377") assert.deepEqual(found, result, printed);
      else assert.equal((found as typeof request).body, "/w==");
    }
  });

  await t.step("a request over plain HTTP comes as its body and variables of CGI", async () => {
    const reply = await once("request", { params: request }, {
      http: "stdio",
      env: { HTTP_OWN: "set" },
    });
    const { statusCode, headers, body } = value(reply) as Record<string, string>;
    assert.equal(statusCode, 200);
    assert.deepEqual(headers, { "content-type": "text/plain; charset=UTF-8" });
    const text = new TextDecoder().decode(Uint8Array.fromBase64(body!));
    assert.match(
      text,
      /^POST \/fn\/f-\w+\/a%20b\?x=1&y=2 x=1&y=2 \/a b Jürgen set proxy= type=text\/plain/,
    );
    assert.match(text, / length=6\nhello\n$/);
    // Without it, and for calls that are no requests, standard input is JSON.
    assert.deepEqual(value(await once("echo", { params: request })), request);
    const params = { plain: true };
    assert.deepEqual(value(await once("echo", { params }, { http: "stdio" })), params);
  });

  await t.step("an exit status, a signal and a missing program fail the call alone", async () => {
    assert.equal(
      failure(await once("no-such-case")).message,
      "the program ended with exit status 64",
    );
    assert.match(failure(await once("killed")).message, /^the program was ended by signal 9/);
    const missing = dockerFunction("binary", "missing.sh");
    await using instance = await world.environment.start(missing, never);
    for (let i = 0; i < 2; i++) {
      const reply = await instance.invoke(dockerCall());
      assert.equal(failure(reply).type, "ExitStatus");
      assert.match(reply.output, /^cannot run \/app\/missing\.sh: /);
    }
  });

  await t.step("more output than the bound fails its call alone", async () => {
    await using instance = await start("flood", { maxConcurrency: 2 });
    const replies = await Promise.all([1, 2].map(() => instance.invoke(dockerCall())));
    for (const reply of replies) assert.equal(failure(reply).type, "ResultTooLarge");
    assert.match(failure(replies[0]!).message, /more than 32 MiB/);
  });

  await t.step("processes that a program leaves running end with its call", async () => {
    const dir = "program.sh";
    await using instance = await world.environment.start(
      dockerFunction("binary", `${dir} leave`),
      never,
    );
    assert.equal(value(await instance.invoke(dockerCall())), "left");
    assert.equal(await sleepers(world.docker, instance), 0);
  });

  await t.step("a cancelled call ends with the children of its program", async () => {
    await using instance = await start("leave wait");
    const call = dockerCall();
    const running = instance.invoke(call);
    await eventually("children run", async () => await sleepers(world.docker, instance) === 2);
    instance.cancel(call.id);
    assert.equal(failure(await running).type, "Interrupted");
    assert.equal(await sleepers(world.docker, instance), 0);
  });
});

Deno.test("binary: static executables run, and programs that speak the protocol themselves", async () => {
  await using dir = await tempDir("binary");
  await Deno.chmod(dir.path, 0o755);
  const init = Uint8Array.fromBase64(nativePrograms[`init-${own}`]);
  await Deno.writeFile(`${dir.path}/init`, init, { mode: 0o755 });
  await buildOwnExecutor(`${dir.path}/own`);
  await using world = await dockerWorld({ folder: dir.path });
  const call = async (handler: string) => {
    await using instance = await world.environment.start(dockerFunction("binary", handler), never);
    return value(await instance.invoke(dockerCall({ params: { a: 1 } })));
  };
  assert.equal(await call("init /bin/echo one two"), "one two");
  assert.deepEqual(await call("executor:own"), ["own", { a: 1 }]);
});

Deno.test("binary: generic container, can be specialized for a program", async () => {
  await using world = await genericWorld();
  const fn = await announced(
    world,
    dockerFunction("binary", "program.sh count", { env: { A: "b" } }),
  );
  await using instance = await taken(world, fn).specialize(fn, never);
  assert.equal(instance.tier, "generic");
  assert.equal(value(await instance.invoke(dockerCall())), 1);
  const own = dockerFunction("binary", "executor:own");
  world.environment.follow(own.name, own);
  assert.equal(world.generics.find(own), undefined);
});

/** How many `sleep` run in an instance's container. */
async function sleepers(
  docker: Awaited<ReturnType<typeof dockerWorld>>["docker"],
  { id }: Instance,
): Promise<number> {
  const { Processes } = await docker.getContainer(id).top();
  return (Processes as string[][]).filter((one) => /\bsleep 100\d/.test(one.join(" "))).length;
}

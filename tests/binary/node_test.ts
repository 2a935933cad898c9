import assert from "node:assert/strict";
import { get, nodejs, post, python } from "../support/client.ts";
import { buildCustomImage, customImage, nodeContainers } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import { EngineGate } from "../support/network/engine_gate.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";
import { helloWasm } from "../support/functions/wasm.ts";

/** The program under test: waits, writes, fails, crashes as its parameters say. */
const versatile = `
import os, time
def f(params, context):
    params = params or {}
    print("called")
    if "sleep" in params: time.sleep(params["sleep"])
    if "mark" in params: open("/tmp/mark", "a").write("x")
    if "exit" in params: os._exit(params["exit"])
    if "hog" in params: data = b"x" * (params["hog"] << 20)
    if "fail" in params: raise ValueError(params["fail"])
    return {"got": params, "pid": os.getpid(), "env": os.environ.get("GREETING")}
`;

Deno.test("the binary creates and invokes Python, Node.js and custom functions", async (t) => {
  await buildCustomImage();
  await using node = await startNodeProcess({ config: { "container.pool.memory": 2048 } });

  await t.step("python: cold, then warm", async () => {
    const created = await post(
      `${node.url}/create`,
      await python("py", versatile, { Env: { GREETING: "hi" } }),
    );
    assert.deepEqual([created.status, created.body], [200, { Created: "py" }]);
    const cold = await post(`${node.url}/invoke/py`, { params: { a: "ü" } });
    assert.equal(cold.status, 200, JSON.stringify(cold.body));
    assert.equal(cold.body.IsWarmStart, false);
    assert.match(cold.body.StartTier, /^(generic|shared|full)$/);
    const result = JSON.parse(cold.body.Result);
    assert.deepEqual([result.got, result.env], [{ a: "ü" }, "hi"]);
    const warm = await post(`${node.url}/invoke/py`);
    assert.deepEqual([warm.body.IsWarmStart, warm.body.StartTier], [true, "warm"]);
    assert.deepEqual(JSON.parse(warm.body.Result).got, {});
    assert(warm.body.ResponseTime >= warm.body.Duration);
    assert.equal(
      warm.headers.get("serverledge-node-arch"),
      Deno.build.arch === "x86_64" ? "amd64" : "arm64",
    );
  });

  await t.step("nodejs: async handler, output on demand", async () => {
    await post(
      `${node.url}/create`,
      await nodejs(
        "js",
        'module.exports = async (p) => { console.log("said"); return { sum: p.a + p.b }; };',
      ),
    );
    const { body } = await post(`${node.url}/invoke/js`, {
      Params: { a: 1, b: 2 },
      ReturnOutput: true,
    });
    assert.equal(body.Result, '{"sum":3}');
    assert.equal(body.Output.trim(), "said");
  });

  await t.step("custom image with the peculiarities of the Go project's images", async () => {
    const created = await post(`${node.url}/create`, {
      Name: "own",
      Runtime: "custom",
      MemoryMB: 64,
      CustomImage: customImage,
    });
    assert.equal(created.status, 200, JSON.stringify(created.body));
    const { status, body } = await post(`${node.url}/invoke/own`, { Params: { n: [1, 2] } });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(JSON.parse(body.Result), { n: [1, 2] });
  });

  await t.step("a failing function: error, traceback and output", async () => {
    const { status, body } = await post(`${node.url}/invoke/py`, {
      Params: { fail: "no such thing" },
    });
    assert.equal(status, 500);
    assert.equal(body.code, "FUNCTION_ERROR");
    assert.deepEqual(body.error, { type: "ValueError", message: "no such thing" });
    assert.match(body.traceback, /main\.py/);
    assert.match(body.output, /called/);
  });

  await t.step("a crashing function: its exit status, and a new instance afterwards", async () => {
    const { status, body } = await post(`${node.url}/invoke/py`, { Params: { exit: 3 } });
    assert.deepEqual([status, body.code, body.exitCode], [502, "FUNCTION_CRASHED", 3]);
    assert.equal((await post(`${node.url}/invoke/py`)).status, 200);
  });

  await t.step("a function that exceeds its memory", async () => {
    const { status, body } = await post(`${node.url}/invoke/py`, { Params: { hog: 500 } });
    assert.deepEqual([status, body.code, body.oomKilled], [502, "FUNCTION_CRASHED", true]);
  });

  await t.step("an execution timeout interrupts, and the instance is kept", async () => {
    const before = JSON.parse((await post(`${node.url}/invoke/py`)).body.Result).pid;
    const { status, body } = await post(`${node.url}/invoke/py`, {
      Params: { sleep: 30 },
      QoSMaxRespT: 0.3,
    });
    assert.deepEqual([status, body.code], [504, "DEADLINE_EXCEEDED"]);
    await eventually("the interrupted function has stopped", async () => {
      const { body } = await get(`${node.url}/status`);
      return body.AvailableWarmContainers.py === 1;
    });
    const after = await post(`${node.url}/invoke/py`);
    assert.equal(after.body.IsWarmStart, true);
    assert.equal(JSON.parse(after.body.Result).pid, before);
  });

  await t.step("async: pending, then done; unknown ids", async () => {
    const accepted = await post(`${node.url}/invoke/py`, { Async: true, Params: { sleep: 0.5 } });
    const id = accepted.body.ReqId;
    const pending = await get(`${node.url}/poll/${id}`);
    assert.deepEqual([pending.status, pending.body], [202, { ReqId: id, Status: "pending" }]);
    await eventually(
      "it is done",
      async () => (await get(`${node.url}/poll/${id}`)).status === 200,
    );
    const done = await get(`${node.url}/poll/${id}`);
    assert.equal(done.body.Success, true);
    assert.equal((await get(`${node.url}/poll/py-nothing`)).status, 404);
  });

  await t.step("plain HTTP, binary safe both ways", async () => {
    await post(
      `${node.url}/create`,
      await python(
        "mirror",
        [
          "import base64",
          "def f(params, context):",
          "    data = base64.b64decode(params['body'])",
          "    return {'statusCode': 201, 'headers': {'content-type': 'image/x', 'x-path': params['path'] + params['method']},",
          "            'body': data[::-1]}",
        ].join("\n"),
      ),
    );
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i * 7 % 256);
    const answer = await fetch(`${node.url}/fn/mirror/a/b?c=d`, { method: "PUT", body: bytes });
    const back = new Uint8Array(await answer.arrayBuffer());
    assert.deepEqual([
      answer.status,
      answer.headers.get("content-type"),
      answer.headers.get("x-path"),
    ], [
      201,
      "image/x",
      "/a/bPUT",
    ]);
    assert.deepEqual(back, bytes.toReversed());
  });

  await t.step("metrics count all of this", async () => {
    const { body } = await get(`${node.url}/metrics`);
    assert.match(body, /completed_count\{area="ROME",function="js"\} 1/);
    assert.match(body, /serverledge_requests_total\{function="py",outcome="FUNCTION_CRASHED"\} 2/);
    assert.match(body, /serverledge_start_seconds_count\{tier="full"\} [1-9]/);
  });

  await t.step("an update is live at once and removes the old instances", async () => {
    await post(
      `${node.url}/update`,
      await python("py", "def f(params, context):\n    return 'new'\n"),
    );
    assert.equal((await post(`${node.url}/invoke/py`)).body.Result, '"new"');
    assert.equal((await post(`${node.url}/delete`, { Name: "py" })).status, 200);
    assert.equal((await post(`${node.url}/invoke/py`)).status, 404);
  });

  await t.step("the command line shows the same", async () => {
    const invoked = await node.cli(["invoke", "js", "-p", "a:20", "-p", "b:22"]);
    assert.equal(invoked.code, 0, invoked.stderr);
    assert.equal(JSON.parse(invoked.stdout).Result, '{"sum":42}');
    const listed = await node.cli(["list"]);
    assert.match(listed.stdout, /mirror/);
  });

  await t.step("metrics continue, and drop a function that is deleted", async () => {
    const { body } = await get(`${node.url}/metrics`);
    assert.match(body, /completed_count\{area="ROME",function="js"\} 2/);
    assert.match(body, /serverledge_start_tier_total\{function="js",tier="warm"\} 1/);
    assert.doesNotMatch(body, /function="py"/);
  });
});

Deno.test("SIGTERM lets a running invocation finish and leaves no container", async () => {
  await using node = await startNodeProcess({ config: { "registry.node.id": "drain-test" } });
  await post(`${node.url}/create`, await python("slow", versatile));
  const running = post(`${node.url}/invoke/slow`, { Params: { sleep: 1.5 } });
  await eventually("it runs", async () => (await get(`${node.url}/status`)).body.Running === 1);
  assert.equal(await node.stop(), 0, node.log());
  assert.equal((await running).status, 200);
  assert.deepEqual(await nodeContainers("drain-test"), []);
});

Deno.test("after a crash orphans are removed, results survive, and pending invocations have failed", async () => {
  await using folder = await tempDir("crash");
  const config = { "data.dir": folder.path, "registry.node.id": "crash-test" };
  let done: string, lost: string;
  {
    await using node = await startNodeProcess({ config });
    await post(`${node.url}/create`, await python("task", versatile));
    done = (await post(`${node.url}/invoke/task`, { Async: true })).body.ReqId;
    await eventually("done", async () => (await get(`${node.url}/poll/${done}`)).status === 200);
    lost =
      (await post(`${node.url}/invoke/task`, { Async: true, Params: { sleep: 60 } })).body.ReqId;
    await node.kill();
  }
  const orphans = await nodeContainers("crash-test");
  assert(orphans.length > 0);
  await using node = await startNodeProcess({ config });
  assert.equal((await get(`${node.url}/poll/${done}`)).body.Success, true);
  await eventually("the lost one has failed", async () => {
    const { body } = await get(`${node.url}/poll/${lost}`);
    return body.Success === false && body.Code === "FUNCTION_CRASHED";
  });
  await eventually("orphans are gone", async () => {
    const left = await nodeContainers("crash-test");
    return !orphans.some((orphan) => left.includes(orphan));
  });
  assert.equal((await post(`${node.url}/invoke/task`)).status, 200, "functions survive");
});

Deno.test("MinInstances are warm before the first invocation and replaced when killed", async () => {
  await using node = await startNodeProcess({ config: { "registry.node.id": "min-test" } });
  await post(`${node.url}/create`, await python("kept", versatile, { MinInstances: 1 }));
  const idle = async () =>
    (await get(`${node.url}/status`)).body.AvailableWarmContainers.kept === 1;
  await eventually("one is warm", idle);
  const { body } = await post(`${node.url}/invoke/kept`);
  assert.equal(body.IsWarmStart, true);
  await post(`${node.url}/invoke/kept`, { Params: { exit: 1 } });
  await eventually("it is replaced", idle);
});

Deno.test("a burst for a cold function is served by few containers", async () => {
  await using node = await startNodeProcess({ config: { "container.pool.memory": 1024 } });
  await post(
    `${node.url}/create`,
    await python("burst", "def f(params, context):\n    return 1\n"),
  );
  const answers = await Promise.all(
    Array.from({ length: 64 }, () => post(`${node.url}/invoke/burst`)),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const { body } = await get(`${node.url}/status`);
  const [{ Idle, Busy, Starting }] = body.Instances;
  assert(Idle + Busy + Starting <= 8, `${Idle + Busy + Starting} containers`);
});

Deno.test("a full queue answers 429 with Retry-After", async () => {
  await using node = await startNodeProcess({
    config: { "container.pool.memory": 64, "scheduler.queue.capacity": 1 },
  });
  await post(`${node.url}/create`, await python("one", versatile));
  const answers = await Promise.all(
    Array.from({ length: 3 }, () => post(`${node.url}/invoke/one`, { Params: { sleep: 0.3 } })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 429]);
  const refused = answers.find(({ status }) => status === 429)!;
  assert.equal(refused.body.code, "NODE_SATURATED");
  assert.match(
    refused.body.message,
    /its queue is full \(scheduler\.queue\.capacity is 1\).*MemoryMB\), but only 0 of 64 are free \(container\.pool\.memory/,
  );
  assert(Number(refused.headers.get("retry-after")) >= 1);
});

Deno.test("a node without Docker runs functions that do not need it, until Docker starts and after it stops", async () => {
  await using gate = await EngineGate.create();
  await using node = await startNodeProcess({ env: { DOCKER_HOST: gate.address } });
  const usable = async () =>
    (await get(`${node.url}/status`)).body.Runtimes
      .filter(({ Ok }: { Ok: boolean }) => Ok)
      .map(({ Runtime }: { Runtime: string }) => Runtime).sort().join();
  await eventually("it knows what it can do", async () => await usable() === "deno,wasm");
  const { body: health } = await get(`${node.url}/healthz`);
  assert.match(
    health.Problems.join(),
    /containers: Docker .* or start it .* deno and wasm do not need it/,
  );

  await post(`${node.url}/create`, await python("contained", versatile));
  const created = await post(`${node.url}/create`, await helloWasm("free"));
  assert.equal(created.status, 200, JSON.stringify(created.body));
  const runs = async (name: string) => (await post(`${node.url}/invoke/${name}`)).status;
  const { status, body } = await post(`${node.url}/invoke/contained`);
  assert.deepEqual([status, body.code], [503, "ENGINE_UNAVAILABLE"]);
  assert.match(body.message, /install it or start it .* deno and wasm do not need it/);
  assert.equal(await runs("free"), 200);

  gate.open();
  assert.equal(await runs("contained"), 200);
  await eventually("it knows that Docker has come", async () => /python/.test(await usable()));

  gate.close();
  await eventually("it knows that Docker has gone", async () => await usable() === "deno,wasm");
  assert.equal(await runs("free"), 200);
  gate.open();
});

Deno.test("a start that fails leaves no new data directory, and keeps one that existed", async () => {
  await using folder = await tempDir("failed-start");
  const config = { "api.listen": "203.0.113.9", "api.auth": "none" };
  const start = (data: string) => startNodeProcess({ config: { ...config, "data.dir": data } });
  const ended = /Cannot listen on .*: this machine has no such address/;
  await assert.rejects(start(`${folder.path}/above/data`), ended);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  const existing = `${folder.path}/existing`;
  await Deno.mkdir(existing);
  await assert.rejects(start(existing), ended);
  assert.ok([...Deno.readDirSync(existing)].some(({ name }) => name === "node-id"));
});

Deno.test("two nodes do not share a data directory", async () => {
  await using folder = await tempDir("shared");
  const config = { "data.dir": folder.path };
  await using _node = await startNodeProcess({ config });
  await assert.rejects(startNodeProcess({ config }), /Another node uses the directory/);
});

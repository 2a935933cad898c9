import assert from "node:assert/strict";
import { Engine, engineStatus } from "../../../lib/runtime/docker/engine/engine.ts";
import { followProgress } from "../../../lib/runtime/docker/engine/progress.ts";
import { scriptedEngine } from "../../support/fakes/scripted_engine.ts";

const brokenJson =
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"A';

Deno.test("a response that breaks off is an error of its request only", async () => {
  await using _engine = await scriptedEngine(() => brokenJson);
  using engine = new Engine();
  const asked = engine.ask("tell its version", (docker) => docker.version());
  await assert.rejects(asked, { code: "ENGINE_UNAVAILABLE" });
});

Deno.test("a stream that breaks off is an error of its request only, read or not", async () => {
  await using _engine = await scriptedEngine(() =>
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"id":"a"\r\n'
  );
  using engine = new Engine();
  const pull = engine.ask("pull", async (docker) => {
    await followProgress("pull", await docker.pull("a:b"));
  });
  await assert.rejects(pull, { code: "ENGINE_UNAVAILABLE" });
  const unread = await engine.ask("pull", (docker) => docker.pull("a:b"));
  const closed = Promise.withResolvers<void>();
  unread.on("close", closed.resolve).resume();
  await closed.promise;
});

Deno.test("a refusal has its status and its reason, also for streams", async () => {
  const body = '{"message":"no such\\nthing"}';
  await using _engine = await scriptedEngine(() =>
    `HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
  using engine = new Engine();
  for (
    const asked of [
      engine.ask("ask", (docker) => docker.getContainer("x").inspect()),
      engine.ask("ask", (docker) => docker.pull("a:b")),
    ]
  ) {
    await assert.rejects(asked, (error) => {
      assert.equal(engineStatus(error), 404);
      assert.equal((error as Error).message, "Docker could not ask: no such thing");
      return true;
    });
  }
});

Deno.test("every request ends, also those without a time limit of dockerode", async () => {
  await using _engine = await scriptedEngine(() => undefined);
  using engine = new Engine();
  const asked = engine.ask("ask", (docker) => docker.getImage("x").inspect(), { timeoutMs: 20 });
  await assert.rejects(asked, { code: "ENGINE_UNAVAILABLE", message: /no response within 20 ms/ });
});

Deno.test("taking over the connection is refused", async () => {
  using engine = new Engine();
  const attach = { stream: true, hijack: true, stdin: true };
  const asked = engine.ask("attach", (docker) => docker.getContainer("x").attach(attach));
  await assert.rejects(asked, { code: "ENGINE_UNAVAILABLE", message: /not supported/ });
});

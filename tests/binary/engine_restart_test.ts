/**
 * A Docker engine that is restarted and crashes while clients invoke functions in containers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import { pythonImage } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../support/node.ts";
import { type PrivateEngine, startEngine } from "../support/private_engine.ts";

const source = "count = 0\ndef f(params, context):\n    global count\n    count += 1\n" +
  "    return {'n': params['n'], 'count': count}\n";

/** Starts a node with a function in a container of the engine, which is warm. */
async function nodeOn(engine: PrivateEngine): Promise<NodeProcess> {
  const node = await startNodeProcess({
    env: { DOCKER_HOST: engine.address },
    config: { "runtimes.python.image": pythonImage },
  });
  for (const name of ["f", "cold"]) {
    assert.equal((await post(`${node.url}/create`, await python(name, source))).status, 200);
  }
  assert.equal((await invoke(node, 0)).status, 200);
  return node;
}

const invoke = (node: NodeProcess, n: number, name = "f") =>
  post(`${node.url}/invoke/${name}`, { Params: { n }, QoSMaxRespT: 10 });

/** A client that invokes the function all the time. */
interface Load extends AsyncDisposable {
  /** @returns the outcomes of its requests, `OK` or an error code */
  stop(): Promise<string[]>;
}

function load(node: NodeProcess): Load {
  const outcomes: string[] = [];
  let isStopped = false;
  const running = (async () => {
    for (let n = 1; !isStopped; n++) {
      const { status, body } = await invoke(node, n);
      if (status === 200) assert.equal(JSON.parse(body.Result).n, n);
      outcomes.push(status === 200 ? "OK" : body.code);
    }
  })();
  // A failed test disposes of it, and has an error of its own.
  running.catch(() => {});
  const stop = async () => {
    isStopped = true;
    await running;
    return outcomes;
  };
  return { stop, [Symbol.asyncDispose]: async () => void await stop() };
}

async function works(node: NodeProcess): Promise<void> {
  await eventually("the function runs", async () => (await invoke(node, 0)).status === 200);
  await eventually("the node is well", async () => {
    const { body } = await get(`${node.url}/healthz`);
    return body.Status === "ok";
  });
}

/** Waits until the node knows that the engine is away: a function without an instance says so. */
async function isMissed(node: NodeProcess): Promise<void> {
  await eventually("the node is degraded", async () => {
    return (await get(`${node.url}/healthz`)).body.Status === "degraded";
  });
  const { status, body } = await invoke(node, 0, "cold");
  assert.deepEqual([status, body.code], [503, "ENGINE_UNAVAILABLE"]);
}

async function leavesNothing(node: NodeProcess, engine: PrivateEngine): Promise<void> {
  assert.equal(await node.stop(), 0, node.log());
  assert.doesNotMatch(node.log(), /Uncaught|panicked/);
  assert.equal(await engine.docker("ps", "--all", "--quiet"), "");
}

Deno.test("an engine that goes while clients invoke functions in its containers", async (t) => {
  await using engine = await startEngine(pythonImage);

  await t.step(
    "restarted, with the end of its containers: errors or results, then results",
    async () => {
      await using node = await nodeOn(engine);
      await using clients = load(node);
      await engine.end("SIGTERM");
      await isMissed(node);
      await engine.start();
      await works(node);
      const outcomes = await clients.stop();
      const engineCodes = ["ENGINE_UNAVAILABLE", "ENGINE_REFUSED"];
      const instanceCodes = ["FUNCTION_CRASHED", "INSTANCE_START_FAILED"];
      // While it stops, an engine may keep a request waiting until its time has passed.
      const expected = ["OK", ...engineCodes, ...instanceCodes, "DEADLINE_EXCEEDED"];
      const others = new Set(outcomes).difference(new Set(expected));
      assert.deepEqual([...others], []);
      assert.equal(outcomes.at(-1), "OK");
      await leavesNothing(node, engine);
    },
  );

  await engine.end("SIGTERM");
  await engine.start("--live-restore");

  await t.step(
    "crashed, with containers that survive it: warm instances serve every request",
    async () => {
      await using node = await nodeOn(engine);
      await using clients = load(node);
      await engine.end("SIGKILL");
      await isMissed(node);
      const { count } = JSON.parse((await invoke(node, 0)).body.Result);
      await engine.start("--live-restore");
      await works(node);
      const { body } = await invoke(node, 0);
      assert.ok(JSON.parse(body.Result).count > count, "the same instance");
      assert.deepEqual(new Set(await clients.stop()), new Set(["OK"]));
      await leavesNothing(node, engine);
    },
  );
});

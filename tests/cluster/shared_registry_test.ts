import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import { startEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";

const answering = (text: string) => `def f(params, context):\n    return "${text}"\n`;

Deno.test("nodes on one etcd share functions, and outlive it", async (t) => {
  await using etcd = await startEtcd();
  const config = { "etcd.address": etcd.endpoint, "registry.udp.port": 0 };
  await using dirOfOne = await tempDir("node-one");
  await using owned = new AsyncDisposableStack();
  let one = owned.use(
    await startNodeProcess({ config: { ...config, "data.dir": dirOfOne.path } }),
  );
  const kept: string[] = [];
  await using two = await startNodeProcess({ config });
  const result = async (url: string, name: string) => {
    const { body } = await post(`${url}/invoke/${name}`);
    return body.Result ?? body;
  };

  await t.step("a function created on one node runs on the other", async () => {
    assert.equal(
      (await post(`${one.url}/create`, await python("f", answering("old")))).status,
      200,
    );
    await eventually(
      "two knows it",
      async () => (await get(`${two.url}/function`)).body.includes("f"),
    );
    assert.equal(await result(two.url, "f"), '"old"');
    const again = await post(`${two.url}/create`, await python("f", answering("other")));
    assert.equal(again.status, 409);
  });

  await t.step("an update on one node replaces warm instances on the other", async () => {
    await post(`${one.url}/update`, await python("f", answering("new")));
    await eventually("two runs it", async () => await result(two.url, "f") === '"new"', 5_000);
  });

  await t.step("an async result can be polled at any node", async () => {
    const { body } = await post(`${one.url}/invoke/f`, { Async: true });
    await eventually(
      "done",
      async () => (await get(`${two.url}/poll/${body.ReqId}`)).status === 200,
    );
  });

  const slow = "import time\ndef f(params, context):\n    time.sleep(60)\n";
  await post(`${one.url}/create`, await python("slow", slow));

  await t.step("etcd away: known functions run, writes fail with a reason", async () => {
    await etcd.kill();
    assert.equal(await result(two.url, "f"), '"new"');
    const { status, body } = await post(`${one.url}/create`, await python("g", answering("g")));
    assert.deepEqual([status, body.code], [503, "REGISTRY_UNAVAILABLE"]);
    await eventually("the status tells", async () => {
      return (await get(`${one.url}/status`)).body.Registry.Ok === false;
    });
  });

  await t.step(
    "etcd away: asynchronous invocations are accepted and polled here; others cannot return them",
    async () => {
      const { status, body: { ReqId: id } } = await post(`${one.url}/invoke/f`, { Async: true });
      assert.equal(status, 200);
      await eventually(
        "it is done",
        async () => (await get(`${one.url}/poll/${id}`)).body.Result === '"new"',
      );
      const elsewhere = await get(`${two.url}/poll/${id}`);
      assert.deepEqual([elsewhere.status, elsewhere.body.code], [503, "REGISTRY_UNAVAILABLE"]);
      const { Problems } = (await get(`${one.url}/healthz`)).body;
      assert(Problems.some((problem: string) => problem.startsWith("results: 1 ")), `${Problems}`);
      kept.push(id);
    },
  );

  await t.step(
    "a crash in the meantime: ended invocations keep their results, others have failed",
    async () => {
      const { body: { ReqId: cut } } = await post(`${one.url}/invoke/slow`, { Async: true });
      assert.equal((await get(`${one.url}/poll/${cut}`)).status, 202);
      await one.kill();
      one = owned.use(await startNodeProcess({ config: { ...config, "data.dir": dirOfOne.path } }));
      const { body } = await get(`${one.url}/poll/${cut}`);
      assert.deepEqual([body.Success, body.Code], [false, "FUNCTION_CRASHED"]);
      assert.equal((await get(`${one.url}/poll/${kept[0]}`)).body.Result, '"new"');
      kept.push(cut);
    },
  );

  await t.step(
    "a node started in the meantime runs known functions, and reports what is unknown",
    async () => {
      assert.equal(await result(one.url, "f"), '"new"');
      const { status, body } = await post(`${one.url}/invoke/unknown`);
      assert.deepEqual([status, body.code], [503, "REGISTRY_UNAVAILABLE"]);
      assert.equal((await get(`${one.url}/function`)).status, 503);
    },
  );

  await t.step("etcd back: the results are at every node", async () => {
    await etcd.restart();
    for (const [at, expected] of [true, false].entries()) {
      await eventually("two can tell", async () => {
        return (await get(`${two.url}/poll/${kept[at]}`)).body.Success === expected;
      });
    }
    await eventually("nothing waits", async () => {
      return (await get(`${one.url}/healthz`)).body.Problems.length === 0;
    });
  });

  await t.step("etcd back without its data: the nodes bring their functions back", async () => {
    await etcd.kill();
    await etcd.restart({ wipe: true });
    await eventually("it can be written", async () => {
      const { status } = await post(`${one.url}/update`, await python("g", answering("g")));
      return status === 200;
    });
    await using three = await startNodeProcess({ config });
    await eventually("a new node finds both", async () => {
      const { body } = await get(`${three.url}/function`);
      return body.includes("f") && body.includes("g");
    });
    await eventually("with its code", async () => await result(three.url, "f") === '"new"');
    await eventually("two runs g", async () => await result(two.url, "g") === '"g"');
  });
});

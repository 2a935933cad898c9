import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import { startEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";

const answering = (text: string) => `def f(params, context):\n    return "${text}"\n`;

Deno.test("nodes on one etcd share functions, and outlive it", async (t) => {
  await using etcd = await startEtcd();
  const config = { "etcd.address": etcd.endpoint, "registry.udp.port": 0 };
  await using one = await startNodeProcess({ config });
  await using two = await startNodeProcess({ config });
  const result = async (url: string, name: string) => {
    const { body } = await post(`${url}/invoke/${name}`);
    return body.Result ?? body;
  };

  await t.step("a function created on one runs on the other", async () => {
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

  await t.step("an update on one replaces warm instances on the other", async () => {
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

  await t.step("etcd away: known functions run, writes fail with a reason", async () => {
    await etcd.kill();
    assert.equal(await result(two.url, "f"), '"new"');
    const { status, body } = await post(`${one.url}/create`, await python("g", answering("g")));
    assert.deepEqual([status, body.code], [503, "REGISTRY_UNAVAILABLE"]);
    await eventually("the status tells", async () => {
      return (await get(`${one.url}/status`)).body.Registry.Ok === false;
    });
  });

  await t.step("etcd back without its data: the nodes bring their functions back", async () => {
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

import assert from "node:assert/strict";
import { code, get, post } from "../support/client.ts";
import { Continuum, invoke, knows } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

Deno.test("the result of an async invocation with a Locality stays on its node", async () => {
  await using world = await Continuum.start();
  const [here, near, lb] = await Promise.all([
    world.join("here", "EDGE"),
    world.join("near", "EDGE"),
    world.join("lb", "EDGE", {}, { command: "lb" }),
  ]);
  await post(`${here.url}/create`, {
    Name: "f",
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main",
    TarFunctionCode: await code({ "main.js": "module.exports = () => 'private-' + 'word';" }),
  });
  await knows(near, "f");
  for (const locality of ["node", "area", ["EDGE"]]) {
    const { body: { ReqId: id } } = await invoke(here, {}, { Async: true, Locality: locality });
    await eventually(
      "it has ended",
      async () => (await get(`${here.url}/poll/${id}`)).status === 200,
    );
    const { body: report } = await get(`${here.url}/poll/${id}`);
    assert.deepEqual([report.Success, report.Result], [true, '"private-word"']);
    const elsewhere = await get(`${near.url}/poll/${id}`);
    assert.deepEqual([elsewhere.status, elsewhere.body.code], [403, "FORBIDDEN"]);
    assert.deepEqual([elsewhere.body.node, elsewhere.body.url], [here.id, here.url]);
    for (let k = 0; k < 3; k++) {
      assert.equal((await get(`${lb.url}/poll/${id}`)).body.Result, '"private-word"');
    }
  }
  const everything = await world.etcd.ctl("get", "", "--from-key");
  assert(everything.includes('"kept"') && !everything.includes("private-word"));
  const { body: { ReqId: id } } = await invoke(here, {}, { Async: true });
  await eventually("etcd has it", async () => (await get(`${near.url}/poll/${id}`)).status === 200);
});

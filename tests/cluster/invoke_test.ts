import assert from "node:assert/strict";
import { code, get, post } from "../support/client.ts";
import { Continuum, invoke, knows, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

const where = "export default (_, { node, area }) => ({ node, area });";
const caller = "export default ({ name }, context) => context.invoke(name);";

Deno.test("context.invoke with a busy node: the callee runs in the cloud", async (t) => {
  await using world = await Continuum.start();
  // The edge has memory for one instance.
  const policy = { "scheduler.policy": "edgecloud", "sandbox.generic": 0 };
  const edge = await world.join("edge", "EDGE", policy);
  const cloud = await world.join("cloud", "CLOUD", { "container.pool.memory": 1024 });
  await sees(edge, [cloud]);
  const create = async (Name: string, source: string, fields = {}) => {
    const { status, body } = await post(`${edge.url}/create`, {
      Name,
      Runtime: "deno",
      MemoryMB: 64,
      Handler: "main.js",
      TarFunctionCode: await code({ "main.js": source }),
      ...fields,
    });
    assert.equal(status, 200, JSON.stringify(body));
    await knows(cloud, Name);
  };
  await create("f", caller, { Invokes: ["*"] });
  await create("where", where);
  await create("near", where, { Locality: "area" });

  await t.step("and its log names the caller", async () => {
    const { status, body } = await invoke(edge, { name: "where" }, {}, "f");
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.ExecutionNode, JSON.parse(body.Result)], [
      edge.id,
      { node: cloud.id, area: "CLOUD" },
    ]);
    await eventually(
      "both logs name the caller",
      () =>
        [edge, cloud].every(({ log }) =>
          log().split("\n").some((line) =>
            line.includes('"function":"where"') && line.includes('"caller":"f"')
          )
        ),
    );
  });

  await t.step("unless the caller's request or the callee must stay", async () => {
    const fields = { QoSMaxRespT: 1 };
    for (const [name, more] of [["where", { Locality: "area" }], ["near", {}]] as const) {
      const { body } = await invoke(edge, { name }, { ...fields, ...more }, "f");
      assert.match(body.code, /FUNCTION_ERROR|DEADLINE_EXCEEDED/, JSON.stringify(body));
      // Otherwise the next caller would run in the cloud.
      await eventually(
        "the node is idle",
        async () => (await get(`${edge.url}/status`)).body.Running === 0,
      );
    }
  });

  await t.step("and a loop over both nodes is as long as on one", async () => {
    await create("loop", `export default (_, context) => context.invoke("loop");`, {
      Invokes: ["loop"],
    });
    const { body } = await invoke(edge, {}, {}, "loop");
    assert.equal(body.code, "FUNCTION_ERROR", JSON.stringify(body));
    assert.match(body.message, /9 functions wait for each other/);
  });
});

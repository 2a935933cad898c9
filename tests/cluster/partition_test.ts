import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import {
  aimsAt,
  clears,
  Continuum,
  invoke,
  knows,
  rests,
  runs,
  sees,
  sleeper,
} from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/node.ts";
import { Relay } from "../support/relay.ts";

/** One way between the areas, ms. */
const delayMs = 10;

Deno.test("the path between the areas is cut and mended", async (t) => {
  await using world = await Continuum.start();
  // The registry stands at the edge; the region reaches it, and is reached, over the path.
  await using toRegistry = new Relay(world.etcd.endpoint, delayMs);
  const port = freePort();
  await using toRegion = new Relay(`127.0.0.1:${port}`, delayMs);
  const far = { "etcd.address": toRegistry.address };
  const [edge, cloud, lb] = await Promise.all([
    world.join("edge", "EDGE", { "scheduler.policy": "edgecloud" }),
    world.join("cloud", "CLOUD", { ...far, "container.pool.memory": 256 }),
    world.join("lb", "CLOUD", {
      ...far,
      "api.port": port,
      "api.url": `http://${toRegion.address}`,
    }, { command: "lb" }),
  ]);
  await post(`${edge.url}/create`, await python("f", sleeper));
  await aimsAt(edge, [lb]);
  await knows(cloud, "f");
  await eventually("the region serves", async () => (await invoke(lb)).status === 200);
  await invoke(edge);

  /** A request to the edge while that is busy, and where it ran. */
  const second = async () => {
    const busy = invoke(edge, { sleep: 1 }, { CanDoOffloading: false });
    await runs(edge, 1);
    const answer = await invoke(edge);
    assert.equal((await busy).body.ExecutionNode, edge.id);
    return answer;
  };

  await t.step("whole: it offloads, and tells what the way costs", async () => {
    const { status, body } = await second();
    assert.deepEqual([status, body.ExecutionNode], [200, cloud.id]);
    assert(body.OffloadLatency >= 2 * delayMs / 1000);
  });

  await t.step("cut under a request: its deadline answers, and nobody runs it again", async () => {
    const busy = invoke(edge, { sleep: 2 }, { CanDoOffloading: false });
    await runs(edge, 1);
    const away = invoke(edge, { sleep: 2 }, { QoSMaxRespT: 2 });
    await runs(cloud, 1);
    toRegion.cut();
    toRegistry.cut();
    const { status, body } = await away;
    assert.deepEqual([status, body.code], [504, "DEADLINE_EXCEEDED"]);
    assert.equal((await busy).status, 200);
  });

  await t.step("both sides go on", async () => {
    await aimsAt(edge, [cloud]); // Datagrams and its own port still reach it: no balancer, so directly.
    for (const member of [edge, lb]) {
      const answers = await Promise.all([1, 2, 3].map(() => invoke(member)));
      assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
    }
    assert.equal((await invoke(cloud)).body.ExecutionNode, cloud.id);
    await eventually("the region misses the registry", async () => {
      return (await get(`${cloud.url}/status`)).body.Registry.Ok === false;
    });
  });

  await t.step("mended: all is as before, and what changed meanwhile is known", async () => {
    await post(`${edge.url}/create`, await python("g", sleeper));
    toRegistry.mend();
    toRegion.mend();
    await aimsAt(edge, [lb]);
    await sees(edge, [cloud, lb]);
    await knows(cloud, "g");
    await eventually("it offloads", async () => (await second()).body.ExecutionNode === cloud.id);
    assert.equal((await get(`${cloud.url}/status`)).body.Registry.Ok, true);
  });

  await t.step("the books agree and are empty", async () => {
    for (const member of [edge, cloud]) await rests(member);
    for (const member of [edge, cloud]) await clears(member, "f");
    const written = world.audit();
    const [late] = written.filter(({ outcome }) => outcome === "DEADLINE_EXCEEDED");
    assert.deepEqual([late!.node, late!.place], [edge.id, "cloud"]);
  });
});

Deno.test("a node freezes with requests in its hands, and thaws", async () => {
  await using world = await Continuum.start();
  const [edge, cloud] = await Promise.all([
    world.join("edge", "EDGE", { "scheduler.policy": "edgecloud" }),
    world.join("cloud", "CLOUD", { "container.pool.memory": 256 }),
  ]);
  await post(`${edge.url}/create`, await python("f", sleeper));
  await aimsAt(edge, [cloud]);
  await knows(cloud, "f");
  await Promise.all([
    invoke(edge),
    post(`${cloud.url}/prewarm`, { Function: "f", Instances: 2 }),
  ]);

  const busy = invoke(edge, { sleep: 1.5 }, { CanDoOffloading: false });
  await runs(edge, 1);
  const away = invoke(edge, { sleep: 2 }, { QoSMaxRespT: 2 });
  const { body: { ReqId: id } } = await invoke(edge, { sleep: 2 }, {
    QoSMaxRespT: 2,
    Async: true,
  });
  await runs(cloud, 2);
  Deno.kill(cloud.pid, "SIGSTOP");
  const { status, body } = await away;
  assert.deepEqual([status, body.code], [504, "DEADLINE_EXCEEDED"]);
  await eventually("what was acknowledged has an end", async () => {
    return (await get(`${edge.url}/poll/${id}`)).body.Code === "DEADLINE_EXCEEDED";
  });
  await sees(edge, []);
  assert.equal((await invoke(edge)).body.ExecutionNode, edge.id, "it waits here instead");
  assert.equal((await busy).status, 200);

  Deno.kill(cloud.pid, "SIGCONT");
  await sees(edge, [cloud]);
  const again = invoke(edge, { sleep: 1 }, { CanDoOffloading: false });
  await runs(edge, 1);
  assert.equal((await invoke(edge)).body.ExecutionNode, cloud.id);
  await again;
  for (const member of [edge, cloud]) await clears(member, "f");
  world.audit();
});

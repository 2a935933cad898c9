import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import {
  aimsAt,
  becomesIdle,
  clears,
  Continuum,
  invoke,
  knows,
  type Member,
  runs,
  sees,
  sleeper,
} from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/network/free_port.ts";
import { Relay } from "../support/network/relay.ts";
import { DatagramRelay, freeUdpPort } from "../support/network/datagram_relay.ts";

/** What a member measured of its way to another; 0 if nothing yet. */
async function rttMs({ url }: Member, { id }: Member): Promise<number> {
  const { Nodes } = (await get(`${url}/nodes`)).body;
  return Nodes.find(({ Id }: { Id: string }) => Id === id)?.RttMs ?? 0;
}

/** One way between the areas, ms. */
const delayMs = 10;

Deno.test("the network between the areas is cut and repaired", async (t) => {
  await using world = await Continuum.start();
  // The registry stands at the edge; the region reaches it, and is reached, over the path.
  await using toRegistry = new Relay(world.etcd.endpoint, delayMs);
  const [lbPort, cloudPort] = [freePort(), freePort()];
  const [edgeUdp, cloudUdp] = [freeUdpPort(), freeUdpPort()];
  await using toBalancer = new Relay(`127.0.0.1:${lbPort}`, delayMs);
  await using toCloud = new Relay(`127.0.0.1:${cloudPort}`, delayMs);
  await using statusToCloud = new DatagramRelay(`127.0.0.1:${cloudUdp}`, delayMs);
  await using statusToEdge = new DatagramRelay(`127.0.0.1:${edgeUdp}`, delayMs);
  const path = [toRegistry, toBalancer, toCloud, statusToCloud, statusToEdge];
  const far = { "etcd.address": toRegistry.address };
  const [edge, cloud, lb] = await Promise.all([
    world.join("edge", "EDGE", {
      "scheduler.policy": "edgecloud",
      "registry.udp.port": edgeUdp,
      "registry.udp.address": statusToEdge.address,
    }),
    world.join("cloud", "CLOUD", {
      ...far,
      "container.pool.memory": 256,
      "api.port": cloudPort,
      "api.url": `http://${toCloud.address}`,
      "registry.udp.port": cloudUdp,
      "registry.udp.address": statusToCloud.address,
    }),
    world.join("lb", "CLOUD", {
      ...far,
      "api.port": lbPort,
      "api.url": `http://${toBalancer.address}`,
    }, { command: "lb" }),
  ]);
  for (const [member, relay] of [[cloud, toCloud], [lb, toBalancer]] as const) {
    // Operators learn both addresses from the line that says that it serves.
    const line = `serves ${member.url}, for other nodes at http://${relay.address}, registry etcd`;
    assert(member.log().includes(line), member.log());
  }
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

  await t.step("whole: a node offloads, and reports the network cost", async () => {
    const { status, body } = await second();
    assert.deepEqual([status, body.ExecutionNode], [200, cloud.id]);
    assert(body.OffloadLatency >= 2 * delayMs / 1000);
    await sees(edge, [cloud, lb]);
    for (const [from, to] of [[edge, cloud], [cloud, edge]] as const) {
      await eventually(
        "datagrams take the way",
        async () => (await rttMs(from, to)) >= 2 * delayMs,
      );
    }
  });

  await t.step(
    "cut during a request: its deadline responds, and nobody runs it again",
    async () => {
      const busy = invoke(edge, { sleep: 2 }, { CanDoOffloading: false });
      await runs(edge, 1);
      const away = invoke(edge, { sleep: 2 }, { QoSMaxRespT: 2 });
      await runs(cloud, 1);
      for (const stretch of path) stretch.cut();
      const { status, body } = await away;
      assert.deepEqual([status, body.code], [504, "DEADLINE_EXCEEDED"]);
      assert.equal((await busy).status, 200);
    },
  );

  await t.step("both sides continue", async () => {
    await sees(edge, []);
    await aimsAt(edge, []);
    await sees(cloud, [lb]); // which is on its side, and nobody asks in its own area
    for (const member of [edge, cloud]) {
      const answers = await Promise.all([1, 2, 3].map(() => invoke(member)));
      const reported = answers.map(({ status, body }) => `${status} ${body.ExecutionNode}`);
      assert.deepEqual(reported, Array(3).fill(`200 ${member.id}`));
    }
    const { Status, Problems } = (await get(`${edge.url}/healthz`)).body;
    assert.equal(Status, "degraded");
    assert(Problems.some((problem: string) => problem.startsWith("cloud: ")), `${Problems}`);
    await eventually("the region misses the registry", async () => {
      return (await get(`${cloud.url}/status`)).body.Registry.Ok === false;
    });
  });

  await t.step("repaired: all is as before, and changes in the meantime are known", async () => {
    await post(`${edge.url}/create`, await python("g", sleeper));
    for (const stretch of path) stretch.mend();
    await aimsAt(edge, [lb]);
    await sees(edge, [cloud, lb]);
    await sees(cloud, [edge, lb]);
    await knows(cloud, "g");
    await eventually("it offloads", async () => (await second()).body.ExecutionNode === cloud.id);
    assert.equal((await get(`${cloud.url}/status`)).body.Registry.Ok, true);
  });

  await t.step("the ledgers agree and are empty", async () => {
    for (const member of [edge, cloud]) await becomesIdle(member);
    for (const member of [edge, cloud]) await clears(member, "f");
    const written = await world.audit();
    const late = written.filter(({ node, outcome }) =>
      node === edge.id && outcome === "DEADLINE_EXCEEDED"
    );
    assert.deepEqual(late.map(({ place }) => place), ["cloud"]);
  });
});

Deno.test("a node freezes during requests, and resumes", async () => {
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
  await world.audit();
});

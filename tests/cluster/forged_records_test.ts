/**
 * Records in etcd that no node wrote: requests must neither go round in circles nor multiply.
 *
 * @module
 */

import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import { Continuum, invoke, type Member, runs, sees, sleeper } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

/** Without a secret, whatever is registered is believed. */
const unsigned = { "cluster.secret": "" };

const keyOf = ({ id }: Pick<Member, "id">) => `/serverledge/v1/nodes/${id}`;

/** Changes a member's record. */
async function forge(world: Continuum, member: Member, changes: object): Promise<void> {
  const key = keyOf(member);
  const record = JSON.parse(await world.etcd.ctl("get", "--print-value-only", key));
  await world.etcd.ctl("put", key, JSON.stringify({ ...record, ...changes }));
}

/** How many requests a balancer has answered by forwarding them, or by refusing to. */
async function forwards({ url }: Member): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const counts = text.matchAll(/^serverledge_balancer_requests_total\{[^}]*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

Deno.test("balancers registered as nodes of each other reject a request with the reason, each once", async () => {
  await using world = await Continuum.start();
  const node = await world.join("cloud", "CLOUD", unsigned);
  const balancers = await Promise.all(
    ["lb-1", "lb-2", "lb-3", "lb-4"].map((name) =>
      world.join(name, "CLOUD", unsigned, { command: "lb" })
    ),
  );
  await node.stop();
  for (const balancer of balancers) await forge(world, balancer, { Role: "node" });
  const [first] = balancers as [Member];
  await eventually("they are its nodes", async () => {
    const { Targets } = (await get(`${first.url}/status`)).body;
    return Targets.length === 4 && Targets.every(({ Healthy }: { Healthy: boolean }) => Healthy);
  });
  const { status, body } = await invoke(first);
  assert.deepEqual([status, body.code], [502, "PEER_DECLINED"]);
  assert.match(
    body.message,
    /Load balancer lb-\d-\w+ received a request that .* had forwarded: .* set api\.ip or api\.url/,
  );
  const counts = await Promise.all(balancers.map(forwards));
  assert.equal(counts.reduce((sum, count) => sum + count, 0), 5, String(counts));
});

Deno.test("a node whose neighbour is registered with its own address runs a request itself, once", async () => {
  await using world = await Continuum.start();
  const config = { ...unsigned, "scheduler.policy": "edgeonly", "registry.remote.area": "" };
  const one = await world.join("edge-1", "EDGE", config);
  const other = await world.join("edge-2", "EDGE", config);
  await sees(one, [other]);
  await post(`${one.url}/create`, await python("f", sleeper));
  await forge(world, other, { Url: one.url });
  await eventually("it believes it", async () => {
    const { Nodes } = (await get(`${one.url}/nodes`)).body;
    return Nodes.some(({ Id, Url }: { Id: string; Url: string }) =>
      Id === other.id && Url === one.url
    );
  });
  await sees(one, [other]);
  const busy = invoke(one, { sleep: 1 }, { CanDoOffloading: false });
  await runs(one, 1);
  const { status, body } = await invoke(one);
  assert.equal((await busy).status, 200);
  assert.deepEqual([status, body.ExecutionNode], [200, one.id], JSON.stringify(body));
  await world.audit();
});

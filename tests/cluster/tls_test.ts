/**
 * Nodes and a balancer that reach each other over TLS only.
 */

import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import {
  Continuum,
  invoke,
  knows,
  type Member,
  runs,
  sees,
  sleeper,
} from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { makeCertificate } from "../support/network/certificates.ts";
import { freePort } from "../support/network/free_port.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

Deno.test("a cluster over TLS", async (t) => {
  await using folder = await tempDir("tls");
  const { cert, key } = await makeCertificate(folder.path, "cluster");
  const tls = { "api.tls.cert": cert, "api.tls.key": key, "cluster.tls.ca": cert };
  /** TLS for others, and plain HTTP for this test. */
  const both = () => {
    const port = freePort();
    return { ...tls, "api.tls.port": port, "api.url": `https://127.0.0.1:${port}` };
  };
  await using world = await Continuum.start();
  const [one, near, cloud] = await Promise.all([
    world.join("edge-1", "EDGE", { ...both(), "scheduler.policy": "edgecloud" }),
    world.join("edge-2", "EDGE", { ...both(), "scheduler.policy": "edgeonly" }),
    world.join("cloud-1", "CLOUD", { ...tls, "container.pool.memory": 512 }),
  ]);
  await sees(one, [near, cloud]);
  await post(`${one.url}/create`, await python("f", sleeper));
  for (const node of [one, near]) await knows(node, "f");

  await t.step("a node that serves TLS only registers an https: URL", async () => {
    const { body } = await get(`${one.url}/nodes`);
    const record = body.Nodes.find(({ Id }: { Id: string }) => Id === cloud.id);
    assert.equal(record.Url, cloud.url);
    assert.match(cloud.url, /^https:/);
  });

  await t.step("a busy node offloads over TLS", async () => {
    await offloads(one, cloud);
  });

  await t.step("a balancer forwards over TLS, and serves TLS", async () => {
    const lb = await world.join("lb-1", "CLOUD", both(), { command: "lb" });
    await eventually("the balancer forwards", async () => (await invoke(lb)).status === 200);
    const { stdout } = await runToEnd([
      ...["curl", "-sS", "--cacert", cert, "--http2"],
      ...["-d", '{"Params":{"sleep":0}}', `https://127.0.0.1:${portOf(lb)}/invoke/f`],
    ]);
    assert.equal(JSON.parse(stdout).ExecutionNode, cloud.id, stdout);
  });

  await t.step("a node without the CA reports which peer it does not trust", async () => {
    const stranger = await world.join("edge-3", "EDGE", { "scheduler.policy": "edgecloud" });
    await eventually(
      "the failure is in its log",
      () => /No TLS connection to 127\.0\.0\.1 port \d+: .*UnknownIssuer/.test(stranger.log()),
    );
  });

  await world.audit();
});

function portOf(member: Member): number {
  return Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(member.log())?.[1]);
}

/** Checks that a second request of a busy node runs on another. */
async function offloads(from: Member, to: Member): Promise<void> {
  const busy = invoke(from, { sleep: 2 }, { CanDoOffloading: false });
  await runs(from, 1);
  const { status, body } = await invoke(from);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.ExecutionNode, to.id);
  assert.equal((await busy).body.ExecutionNode, from.id);
}

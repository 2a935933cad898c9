import assert from "node:assert/strict";
import { get } from "../support/client.ts";
import { Continuum, type Member, sees } from "../support/continuum.ts";
import { DatagramRelay, freeUdpPort } from "../support/network/datagram_relay.ts";
import { eventually } from "../support/eventually.ts";

const problemOf = async ({ url }: Member, other: Member): Promise<string | null> => {
  const { Nodes } = (await get(`${url}/nodes`)).body;
  return Nodes.find(({ Id }: { Id: string }) => Id === other.id)?.Problem ?? null;
};

const warnings = ({ log }: Member) =>
  log().split("\n").filter((line) => line.includes("do not match"));

Deno.test("nodes with different secrets report it on both sides, until that is corrected", async () => {
  await using world = await Continuum.start();
  const config = { "scheduler.policy": "edgeonly" };
  const one = await world.join("edge-1", "EDGE", config);
  const stray = await world.join("edge-2", "EDGE", { ...config, "cluster.secret": "another" });
  const pairs = [[one, stray], [stray, one]] as const;
  for (const [node, other] of pairs) {
    await eventually(
      "it tells what is wrong",
      async () =>
        await problemOf(node, other) ===
          "its registration is not signed with this node's cluster.secret; " +
            "its cluster.secret differs from this node's",
    );
    await sees(node, []);
  }
  for (const [node] of pairs) {
    await eventually("it warns of both", () => warnings(node).length >= 2);
    assert.equal(warnings(node).length, 2, node.log());
  }
  const { stdout } = await one.cli(["nodes", "--json"]);
  assert.match(stdout, /its cluster.secret differs from this node's/);
  await stray.kill();
  const mended = await world.join("edge-2", "EDGE", config);
  await sees(one, [mended]);
  await sees(mended, [one]);
  assert.equal(await problemOf(one, mended), null);
});

Deno.test("nodes of different versions report it on both sides, once, and serve alone", async () => {
  await using world = await Continuum.start();
  // What either gets of the other bears the next version in its first byte.
  const ofNextVersion = (port: number) =>
    new DatagramRelay(`127.0.0.1:${port}`, 0, (datagram) => datagram[0]!++);
  const ports = [freeUdpPort(), freeUdpPort()] as const;
  await using toOne = ofNextVersion(ports[0]);
  await using toOther = ofNextVersion(ports[1]);
  const config = (port: number, relay: DatagramRelay) => ({
    "scheduler.policy": "edgeonly",
    "registry.udp.port": port,
    "registry.udp.address": relay.address,
  });
  const one = await world.join("edge-1", "EDGE", config(ports[0], toOne));
  const other = await world.join("edge-2", "EDGE", config(ports[1], toOther));
  for (const [node, peer] of [[one, other], [other, one]] as const) {
    await eventually(
      "it tells what is wrong",
      async () =>
        /its datagrams have version \d+, .* same version/.test(await problemOf(node, peer) ?? ""),
    );
    await sees(node, []);
    assert.equal(warnings(node).length, 1, node.log());
    const { stdout } = await node.cli(["nodes"]);
    assert.match(stdout, /run the same version of the program on both/);
    assert.equal((await get(`${node.url}/healthz`)).body.Status, "degraded");
  }
});

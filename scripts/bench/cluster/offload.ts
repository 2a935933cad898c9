/**
 * What one hop costs: warm invocations through a node that offloads all of them, against the same
 * directly at the node that runs them; and how many an offloading node carries.
 *
 * @module
 */

import assert from "node:assert/strict";
import { get } from "../../../tests/support/client.ts";
import { startEtcd } from "../../../tests/support/etcd.ts";
import { eventually } from "../../../tests/support/eventually.ts";
import { freePort } from "../../../tests/support/network/free_port.ts";
import { MeasuredNode } from "../node/client.ts";
import type { Results } from "../results.ts";
import { inRounds, loadSeconds, warmUpSeconds } from "../rounds.ts";
import { load } from "../wrk.ts";
import { startInstantNode } from "./instant_node.ts";

/** Instances of the measured function. */
export const instances = 4;

/** The body of every invocation. */
export const body: string = JSON.stringify({ Params: { n: 41 }, CanDoOffloading: true });

/** Measures one hop. */
export async function measureOffload(results: Results): Promise<void> {
  await using etcd = await startEtcd();
  const start = (id: string, area: string, cloud: string) =>
    startMember(etcd.endpoint, id, area, cloud);
  await using peer = await start("bench-peer", "CLOUD", "");
  await peer.create("trivial", "python");
  await peer.prewarm("trivial", instances);
  await using _instant = await startInstantNode(etcd.endpoint);
  await using toPeer = await start("bench-to-peer", "EDGE", "CLOUD");
  await using toInstant = await start("bench-to-instant", "EDGE", "INSTANT");
  await reaches(toPeer, "bench-peer");
  await reaches(toInstant, "instant");

  const urls = [toPeer, toInstant, peer].map((node) => node.invokeUrl("trivial"));
  const [byPeer, byInstant, direct] = urls as [string, string, string];
  for (const url of urls) await load(url, body, 16, warmUpSeconds);
  const samples = await inRounds(async () => ({
    direct: await load(direct, body, 1, loadSeconds),
    offloaded: await load(byPeer, body, 1, loadSeconds),
    instant: await load(byInstant, body, 16, loadSeconds),
    real: await load(byPeer, body, 16, loadSeconds),
  }));
  await reaches(toPeer, "bench-peer"); // still
  await reaches(toInstant, "instant");

  const added = samples.map(({ direct, offloaded }) => offloaded.p50Ms - direct.p50Ms);
  results.add("offload_added_p50_ms", "ms", added);
  results.add("offload_direct_p50_ms", "ms", samples.map(({ direct }) => direct.p50Ms));
  results.add("offload_c16_rps", "1/s", samples.map(({ instant }) => instant.rate));
  results.add("offload_real_peer_c16_rps", "1/s", samples.map(({ real }) => real.rate));
}

/**
 * Starts a node of a cluster, which offloads everything if its area has a cloud.
 *
 * @param more its further configuration
 */
export function startMember(
  endpoint: string,
  id: string,
  area: string,
  cloud: string,
  more: Record<string, unknown> = {},
): Promise<MeasuredNode> {
  return MeasuredNode.start(instances, {
    "etcd.address": endpoint,
    "registry.node.id": id,
    "registry.area": area,
    "registry.remote.area": cloud,
    "registry.udp.port": freePort(),
    "scheduler.policy": cloud === "" ? "default" : "cloudonly",
    "registry.monitoring.interval": 1,
    ...more,
  });
}

/** Makes sure that what a node gets runs where it should, and is answered right. */
export async function reaches(node: MeasuredNode, where: string): Promise<void> {
  const url = node.invokeUrl("trivial");
  await eventually(`it offloads to ${where}`, async () => {
    const { body: names } = await get(`${node.process.url}/function`);
    if (!names.includes("trivial")) return false;
    const answer = await fetch(url, { method: "POST", body });
    const report = await answer.json();
    if (!answer.ok || report.ExecutionNode !== where) return false;
    assert.deepEqual(JSON.parse(report.Result), { next: 42 });
    return true;
  });
}

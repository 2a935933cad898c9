/**
 * What signatures cost: warm invocations through a node that offloads all of them, in a cluster with a
 * secret and in one without.
 *
 * @module
 */

import { startEtcd } from "../../../tests/support/etcd.ts";
import { threadMs } from "../../../tests/support/turns.ts";
import type { Results } from "../results.ts";
import { inRounds, loadRounds, loadSeconds, warmUpSeconds } from "../rounds.ts";
import { load } from "../wrk.ts";
import { body, instances, reaches, startMember } from "./offload.ts";

/** Measures signed and unsigned hops in turn. */
export async function measureSignedHops(results: Results): Promise<void> {
  await using signed = await openPair("signed", "secret of the benchmark");
  await using unsigned = await openPair("unsigned", "");
  for (const { url } of [signed, unsigned]) await load(url, body, 16, warmUpSeconds);
  const samples = await inRounds(async () => ({
    signed: await measured(signed),
    unsigned: await measured(unsigned),
  }), loadRounds);
  results.add(
    "signed_hop_rps_ratio",
    "ratio",
    samples.map(({ signed, unsigned }) => signed.rate / unsigned.rate),
  );
  results.add(
    "signed_hop_cpu_ratio",
    "ratio",
    samples.map(({ signed, unsigned }) => signed.cpuUs / unsigned.cpuUs),
  );
  results.add(
    "signed_hop_added_cpu_us",
    "us",
    samples.map(({ signed, unsigned }) => signed.cpuUs - unsigned.cpuUs),
  );
}

/** Loads a pair. @returns calls a second, and what one takes of the main threads of both nodes */
async function measured({ url, pids }: Pair): Promise<{ rate: number; cpuUs: number }> {
  const used = () => pids.reduce((sum, pid) => sum + threadMs(pid), 0);
  const before = used();
  const { rate } = await load(url, body, 16, loadSeconds);
  return { rate, cpuUs: 1000 * (used() - before) / (rate * loadSeconds) };
}

/** A node that offloads everything to another one. */
interface Pair extends AsyncDisposable {
  /** Where its function is invoked. */
  readonly url: string;
  /** The processes of both nodes. */
  readonly pids: readonly number[];
}

async function openPair(name: string, secret: string): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const etcd = stack.use(await startEtcd());
  const start = async (id: string, area: string, cloud: string) =>
    stack.use(await startMember(etcd.endpoint, id, area, cloud, { "cluster.secret": secret }));
  const peer = await start(`bench-${name}-peer`, "CLOUD", "");
  await peer.create("trivial", "python");
  await peer.prewarm("trivial", instances);
  const edge = await start(`bench-${name}-edge`, "EDGE", "CLOUD");
  await reaches(edge, `bench-${name}-peer`);
  const owned = stack.move();
  return {
    url: edge.invokeUrl("trivial"),
    pids: [edge.process.pid, peer.process.pid],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

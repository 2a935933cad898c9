/**
 * A node that does nothing: its size on disk and in memory, and how soon it is ready.
 *
 * @module
 */

import { root } from "../../project.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";
import { MeasuredNode } from "./client.ts";

/** How long a started node is left alone before its memory is read, ms. */
const restMs = 2000;

/** Measures start, idle memory and the binaries. */
export async function measureIdle(results: Results): Promise<void> {
  await idleNode(); // the first start reads the binary from disk
  const samples = await inRounds(idleNode);
  results.add("ready_ms", "ms", samples.map(({ readyMs }) => readyMs));
  results.add("idle_rss_mib", "MiB", samples.map(({ rssMib }) => rssMib));
  for (const target of ["x86_64", "aarch64"]) {
    const { size } = await Deno.stat(`${root}dist/serverledge-${target}`);
    results.add(`binary_${target}_mib`, "MiB", [size / (1 << 20)]);
  }
}

async function idleNode(): Promise<{ readyMs: number; rssMib: number }> {
  await using node = await MeasuredNode.start(1);
  await new Promise((resolve) => setTimeout(resolve, restMs));
  return { readyMs: node.process.readyMs, rssMib: await node.rssMib() };
}

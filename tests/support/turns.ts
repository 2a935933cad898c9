/**
 * How long the event loop of a node takes, in time of a processor: right on a busy machine as well.
 *
 * @module
 */

import assert from "node:assert/strict";
import { get } from "./client.ts";
import type { NodeProcess } from "./node.ts";

/**
 * Most time that a node's main thread may take until a client has its answer, ms: some slices, and what
 * collecting garbage adds. Half of what is taken by decoding, hashing or storing tens of MiB in one go.
 */
export const maxTurnMs = 150;

/** What was seen while a node had work. */
export interface SeenTurns<T> {
  /** What came of the work. */
  readonly result: T;
  /** Longest time of a processor that its main thread had while another client waited for an answer, ms. */
  readonly longestMs: number;
  /** By how much its memory has grown, MiB. */
  readonly grownMib: number;
}

/**
 * Asks a node all the while for its health.
 *
 * @param node any
 * @param work what it has to do meanwhile
 */
export async function longestTurn<T>(
  node: Pick<NodeProcess, "url" | "pid">,
  work: () => Promise<T>,
): Promise<SeenTurns<T>> {
  const before = await residentMib(node.pid);
  let [highest, longestMs, isOver] = [before, 0, false];
  const working = work().finally(() => isOver = true);
  while (!isOver) {
    const asked = await threadMs(node.pid);
    assert.equal((await get(`${node.url}/healthz`)).status, 200);
    longestMs = Math.max(longestMs, await threadMs(node.pid) - asked);
    highest = Math.max(highest, await residentMib(node.pid));
  }
  return { result: await working, longestMs, grownMib: highest - before };
}

async function residentMib(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
}

/** Time of a processor that the main thread of a process has had, ms. */
async function threadMs(pid: number): Promise<number> {
  const [ns] = (await Deno.readTextFile(`/proc/${pid}/task/${pid}/schedstat`)).split(" ");
  return Number(ns) / 1e6;
}

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
 * Asks a node all the while for its health. The next question is under way before the answer to the
 * last one is looked at, so that no turn of the event loop begins unseen between two questions.
 *
 * @param node any
 * @param work what it has to do meanwhile
 */
export async function longestTurn<T>(
  node: Pick<NodeProcess, "url" | "pid">,
  work: () => Promise<T>,
): Promise<SeenTurns<T>> {
  const before = residentMib(node.pid);
  let [highest, longestMs, isOver] = [before, 0, false];
  const working = work().finally(() => isOver = true);
  let current = turnMs(node);
  while (!isOver) {
    const next = turnMs(node);
    longestMs = Math.max(longestMs, await current);
    highest = Math.max(highest, residentMib(node.pid));
    current = next;
  }
  longestMs = Math.max(longestMs, await current);
  return { result: await working, longestMs, grownMib: highest - before };
}

/** Time of a processor that a node's main thread has until it answers a question, ms. */
async function turnMs({ url, pid }: Pick<NodeProcess, "url" | "pid">): Promise<number> {
  const asked = threadMs(pid);
  assert.equal((await get(`${url}/healthz`)).status, 200);
  return threadMs(pid) - asked;
}

function residentMib(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
}

/** Time of a processor that the main thread of a process has had, ms. */
export function threadMs(pid: number): number {
  const [ns] = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ");
  return Number(ns) / 1e6;
}

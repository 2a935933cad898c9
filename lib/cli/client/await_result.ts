/**
 * Waits for the result of an async invocation.
 *
 * @module
 */

import { pause } from "../../base/async.ts";
import type { Answer, NodeClient } from "./client.ts";
import { isPending } from "../view/report.ts";
import { during } from "../view/spinner.ts";
import type { Terminal } from "../terminal.ts";

/** First and longest pause between two questions, ms. */
const firstPauseMs = 20;
const longestPauseMs = 2_000;

/**
 * Polls for a result until the invocation has ended or the time limit is reached.
 *
 * @param node the node that accepted the invocation
 * @param id id of the invocation
 * @param timeoutMs time limit, ms
 * @param terminal shows a progress indicator in the meantime
 * @returns the last response, which may still be pending
 */
export function awaitResult(
  node: Pick<NodeClient, "get">,
  id: string,
  timeoutMs: number,
  terminal: Pick<Terminal, "err">,
): Promise<Answer> {
  return during(terminal, `Waiting for ${id}`, async () => {
    const end = performance.now() + timeoutMs;
    let pauseMs = firstPauseMs;
    for (;;) {
      const answer = await node.get(pollPath(id));
      const leftMs = end - performance.now();
      if (!isPending(answer) || leftMs <= 0) return answer;
      await pause(Math.min(pauseMs, leftMs));
      pauseMs = Math.min(pauseMs * 1.5, longestPauseMs);
    }
  });
}

/** Returns the path of an invocation's result. */
export function pollPath(id: string): string {
  return `/poll/${encodeURIComponent(id)}`;
}

/**
 * Shows the images that a node pulls while a command waits for that node.
 *
 * @module
 */

import { pause } from "../../base/async.ts";
import { isObject } from "../../json/json.ts";
import type { NodeClient } from "./client.ts";
import { during } from "../view/spinner.ts";
import { printable } from "../view/style.ts";
import type { Terminal } from "../terminal.ts";

/** Interval of requests for the node's status, and their time limit, ms. */
const askEveryMs = 1_000;

/**
 * Runs a task of a command, with a progress indicator on a terminal that includes the node's pulls.
 *
 * @param terminal shows the indicator
 * @param node queried for its pulls if the output is a terminal; failures are ignored
 * @param label returns the description of the task
 * @param task the task, which never waits for the node's status
 */
export async function duringCall<T>(
  terminal: Pick<Terminal, "err">,
  node: Pick<NodeClient, "get">,
  label: () => string,
  task: () => Promise<T>,
): Promise<T> {
  if (!terminal.err.isTerminal) return await task();
  const over = new AbortController();
  const pulls = { text: "" };
  const watching = watchPulls(node, pulls, over.signal);
  try {
    return await during(terminal, () => `${label()}${pulls.text}`, task);
  } finally {
    over.abort();
    await watching;
  }
}

/** Queries the pulls of a node until the signal; sets `text`, which follows the label. */
async function watchPulls(
  node: Pick<NodeClient, "get">,
  pulls: { text: string },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await pause(askEveryMs, signal);
    if (signal.aborted) return;
    try {
      pulls.text = pullText((await node.get("/status", { timeoutMs: askEveryMs, signal })).json);
    } catch {
      // The task itself reports problems of the node.
      pulls.text = "";
    }
  }
}

/**
 * Describes the pulls in a node's status, as text that follows a label.
 *
 * @param status response of the node, which may be of an older version
 * @returns the text, empty if there are no pulls
 */
export function pullText(status: unknown): string {
  const pulls = isObject(status) && Array.isArray(status.Pulls) ? status.Pulls : [];
  const [first, ...others] = pulls.filter(isObject);
  if (!first) return "";
  const { Image, Percent, Message } = first;
  const more = others.length > 0 ? `, and ${others.length} more` : "";
  return printable(`: pulling ${Image}, ${Percent} % (${Message})${more}`);
}

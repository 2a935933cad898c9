/**
 * The images that a node fetches, shown while a command waits for that node.
 *
 * @module
 */

import { pause } from "../../base/async.ts";
import { isObject } from "../../json/json.ts";
import type { NodeClient } from "./client.ts";
import { during } from "../view/spinner.ts";
import { printable } from "../view/style.ts";
import type { Terminal } from "../terminal.ts";

/** How often the node is asked, and how long it may take to answer, ms. */
const askEveryMs = 1_000;

/**
 * Does a command's work, with a sign of life on a terminal that tells of the node's pulls, too.
 *
 * @param terminal where it is shown
 * @param node asked for its pulls, unless nobody would see them; failures are ignored
 * @param label what is under way
 * @param task the work; it never waits for the node's telling
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

/** Asks a node for its pulls until the signal; `text` is what to show behind the label. */
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
      // The call itself tells what is wrong with the node.
      pulls.text = "";
    }
  }
}

/**
 * What a node's status tells of its pulls, for behind a label.
 *
 * @param status as the node answered it, an older one perhaps
 * @returns empty if it fetches nothing
 */
export function pullText(status: unknown): string {
  const pulls = isObject(status) && Array.isArray(status.Pulls) ? status.Pulls : [];
  const [first, ...others] = pulls.filter(isObject);
  if (!first) return "";
  const { Image, Percent, Message } = first;
  const more = others.length > 0 ? `, and ${others.length} more` : "";
  return printable(`: fetching ${Image}, ${Percent} % (${Message})${more}`);
}

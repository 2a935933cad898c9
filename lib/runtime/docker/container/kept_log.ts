/**
 * What a container wrote, kept before it is removed and its log with it.
 *
 * @module
 */

import type { OutputSink } from "../../wire/call_output.ts";
import type { Container } from "./container.ts";

/** Lines of its log that are kept. */
const maxLines = 1_000;

/**
 * Hands on the last lines that a container wrote.
 *
 * @param container which one
 * @param functionName whose it is
 * @param output keeps them
 * @param callId the call that wrote them; null if nobody can tell
 */
export async function keepLog(
  container: Container,
  functionName: string,
  output: OutputSink,
  callId: string | null = null,
): Promise<void> {
  const lines = await container.timedLogs(maxLines).catch(() => []);
  for (const { time, text } of lines) output(functionName, callId, `${text}\n`, time);
}

/**
 * Preservation of a container's log, which the engine removes with the container.
 *
 * @module
 */

import type { OutputSink } from "../../wire/call_output.ts";
import type { Container } from "./container.ts";

/** Number of log lines that are kept. */
const maxLines = 1_000;

/**
 * Passes on the last lines that a container wrote.
 *
 * @param output receives the lines
 * @param callId the call that wrote them; null if unknown
 */
export async function preserveLog(
  container: Container,
  functionName: string,
  output: OutputSink,
  callId: string | null = null,
): Promise<void> {
  const lines = await container.timedLogs(maxLines).catch(() => []);
  for (const { time, text } of lines) output(functionName, callId, `${text}\n`, time);
}

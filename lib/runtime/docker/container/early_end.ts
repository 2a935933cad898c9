/**
 * Errors of containers that ended before they could be used.
 *
 * @module
 */

import type { ServerledgeError } from "../../../base/errors.ts";
import type { Container } from "./container.ts";
import { earlyEnd, type Exit } from "./exit.ts";

/** Number of log lines in an error. */
export const startLogLines = 20;

/**
 * Explains a failed start by the container's exit and log.
 *
 * @param container container that is not yet removed with its log
 * @param when e.g. `before it was ready`
 */
export async function endedEarly(
  container: Container,
  memoryMib: number,
  exit: Exit,
  when: string,
): Promise<ServerledgeError> {
  const lines = await container.logs(startLogLines).catch(() => "");
  return earlyEnd(exit, memoryMib, lines, when);
}

/**
 * The start of a container that ended before it could be used.
 *
 * @module
 */

import type { ServerledgeError } from "../../../base/errors.ts";
import type { Container } from "./container.ts";
import { earlyEnd, type Exit } from "./exit.ts";

/** Lines of the container's log that are shown. */
export const startLogLines = 20;

/**
 * Why the start failed, by what was seen of the container.
 *
 * @param container the container, which still has its log
 * @param memoryMib its memory limit
 * @param exit how it ended
 * @param when what it did not get to, e.g. `before it was ready`
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

/**
 * The project's logger: structured records by LogTape, in categories below `serverledge`.
 *
 * @module
 */

import { getLogger, type Logger } from "@logtape/logtape";

export type { Logger } from "@logtape/logtape";

/**
 * The logger of one room.
 *
 * @param room the room's name, e.g. `pool`
 */
export function logger(room: string): Logger {
  return getLogger(["serverledge", room]);
}

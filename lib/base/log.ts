/**
 * The project's logger: structured records by LogTape, in categories below `serverledge`.
 *
 * @module
 */

import { getLogger, type Logger } from "@logtape/logtape";

export type { Logger } from "@logtape/logtape";

/** Takes finished lines of the log, in order with the records of all loggers. */
export interface LineSink {
  /**
   * Takes a line; it is written soon.
   *
   * @param line with its newline
   */
  add(line: string): void;
}

/**
 * The logger of one room.
 *
 * @param room the room's name, e.g. `pool`
 */
export function logger(room: string): Logger {
  return getLogger(["serverledge", room]);
}

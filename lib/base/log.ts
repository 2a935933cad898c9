/**
 * The logger: structured records, whose form and place the command line decides.
 *
 * Not by a logging library: those that were measured take 25 to 70 µs of CPU time for each record,
 * half of what an invocation takes, and every invocation has one.
 *
 * @module
 */

/** How severe a record is, from least to most. */
export const logLevels = ["debug", "info", "warning", "error"] as const;
/** How severe a record is. */
export type LogLevel = typeof logLevels[number];

/** What is known of an event, by name. */
export type LogProperties = Readonly<Record<string, unknown>>;

/** One event. */
export interface LogRecord {
  /** How severe it is. */
  readonly level: LogLevel;
  readonly room: string;
  /** What happened; `{name}` stands for a property. */
  readonly message: string;
  /** Details. */
  readonly properties: LogProperties;
}

/** Takes finished lines of the log, in order with the records of all loggers. */
export interface LineSink {
  /**
   * Takes a line; it is written soon.
   *
   * @param line with its newline
   */
  add(line: string): void;
}

let write: (record: LogRecord) => void = () => {};

/**
 * Sends the records of all loggers somewhere; at first they go nowhere.
 *
 * @param sink receives them; undefined discards them
 */
export function logTo(sink: (record: LogRecord) => void = () => {}): void {
  write = sink;
}

/** Logs one event; `{name}` in its message stands for a property. */
type Log = (message: string, properties?: LogProperties) => void;

/** Logs for one room. */
export interface Logger {
  /** Logs what helps to find a fault. */
  readonly debug: Log;
  /** Logs what operators want to know. */
  readonly info: Log;
  /** Logs what may need somebody's care. */
  readonly warn: Log;
  /** Logs what failed for good. */
  readonly error: Log;
}

/**
 * The logger of one room.
 *
 * @param room the room's name, e.g. `pool`
 */
export function logger(room: string): Logger {
  const at = (level: LogLevel): Log => (message, properties = {}) =>
    write({ level, room, message, properties });
  return { debug: at("debug"), info: at("info"), warn: at("warning"), error: at("error") };
}

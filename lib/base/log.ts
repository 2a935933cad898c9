/**
 * Logger of structured records. The command line determines their format and destination.
 *
 * No logging library is used: those that were measured take 25 to 70 µs of CPU time for each record, which
 * is half of an invocation's CPU time, and every invocation logs one.
 *
 * @module
 */

/** Severities of records, from least to most severe. */
export const logLevels = ["debug", "info", "warning", "error"] as const;
/** Severity of a record. */
export type LogLevel = typeof logLevels[number];

/** Properties of an event by name. */
export type LogProperties = Readonly<Record<string, unknown>>;

/** Record of one event. */
export interface LogRecord {
  /** Severity of the event. */
  readonly level: LogLevel;
  readonly room: string;
  /** Description of the event; `{name}` stands for a property. */
  readonly message: string;
  /** Properties of the event. */
  readonly properties: LogProperties;
}

/** Receiver of finished lines of the log, which keeps their order with the records of all loggers. */
export interface LineSink {
  /**
   * Adds a line, which is written soon.
   *
   * @param line line with its newline
   */
  add(line: string): void;
}

let write: (record: LogRecord) => void = () => {};

/**
 * Sets the destination of the records of all loggers. Before the first call they are discarded.
 *
 * @param sink receives the records; undefined discards them
 */
export function logTo(sink: (record: LogRecord) => void = () => {}): void {
  write = sink;
}

/** Logs one event; `{name}` in its message stands for a property. */
type Log = (message: string, properties?: LogProperties) => void;

/** Logger of one module. */
export interface Logger {
  /** Logs an event that helps to find a fault. */
  readonly debug: Log;
  /** Logs an event of interest to operators. */
  readonly info: Log;
  /** Logs an event that may need an operator's attention. */
  readonly warn: Log;
  /** Logs a permanent failure. */
  readonly error: Log;
}

/**
 * Creates the logger of one module.
 *
 * @param room name of the module, e.g. `pool`
 */
export function logger(room: string): Logger {
  const at = (level: LogLevel): Log => (message, properties = {}) =>
    write({ level, room, message, properties });
  return { debug: at("debug"), info: at("info"), warn: at("warning"), error: at("error") };
}

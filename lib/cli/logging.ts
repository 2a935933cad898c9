/**
 * Writes log records to standard error, as text for people or as JSON lines for machines.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import {
  type LineSink,
  type LogLevel,
  logLevels,
  type LogProperties,
  type LogRecord,
  logTo,
} from "../base/log.ts";

/** Number of buffered characters above which further records are dropped and counted. */
const maxBuffered = 1 << 20;
/** Maximum time for which a record is buffered, ms. */
const flushIntervalMs = 50;

/** Settings of logging. */
export interface LoggingOptions {
  /** Level of the least severe records that are logged. */
  readonly level: LogLevel;
  /** Form of a record. */
  readonly format: "text" | "json";
}

/** Active logging; disposal writes buffered records and ends it. */
export interface Logging extends AsyncDisposable {
  /** Receives lines that are rendered elsewhere; undefined if `info` is not logged. */
  readonly infoLines: LineSink | undefined;
}

/**
 * Writes the records of all modules to a stream. Logging never blocks: records are buffered and written
 * together, since a write for each would cost as much as the invocation that it describes.
 *
 * @param options level and format
 * @param stream the output, which stays open
 */
export function startLogging(
  { level, format }: LoggingOptions,
  stream: WritableStream<Uint8Array> = Deno.stderr.writable,
): Logging {
  const lines = new GatheredLines(stream);
  const render = format === "json" ? jsonLine : textLine;
  const lowest = logLevels.indexOf(level);
  logTo((record) => {
    if (logLevels.indexOf(record.level) < lowest) return;
    lines.add(render(record, new Date().toISOString()));
    if (record.level === "error") lines.flush();
  });
  return {
    infoLines: lowest <= logLevels.indexOf("info") ? lines : undefined,
    async [Symbol.asyncDispose]() {
      logTo();
      await lines[Symbol.asyncDispose]();
    },
  };
}

/** Buffer of lines that writes many at a time to a stream. */
class GatheredLines implements LineSink, AsyncDisposable {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #waiting = "";
  #dropped = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
  }

  add(line: string): void {
    if (this.#waiting.length > maxBuffered) this.#dropped++;
    else this.#waiting += line;
    this.#timer ??= setTimeout(() => this.flush(), flushIntervalMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    this.#writer.releaseLock();
  }

  /**
   * Writes the buffered lines, one write at a time. With a slow reader, records wait and are then
   * dropped, but the node never waits.
   */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  async #write(): Promise<void> {
    while (this.#waiting !== "") {
      const dropped = this.#dropped > 0
        ? `(${this.#dropped} log records dropped: too many at once)\n`
        : "";
      const bytes = this.#encoder.encode(this.#waiting + dropped);
      this.#waiting = "";
      this.#dropped = 0;
      await this.#writer.write(bytes).catch(() => {});
    }
  }
}

/** Formats a record: `2026-01-31T12:00:00.000Z INFO pool: message`. */
function textLine({ level, room, message, properties }: LogRecord, time: string): string {
  return `${time} ${level.toUpperCase()} ${room}: ${rendered(message, properties)}\n`;
}

function jsonLine({ level, room, message, properties }: LogRecord, time: string): string {
  const record = {
    "@timestamp": time,
    level: level.toUpperCase(),
    message: rendered(message, properties),
    logger: `serverledge.${room}`,
    ...properties,
  };
  const text = JSON.stringify(
    record,
    (_, value) => value instanceof Error ? errorText(value) : value,
  );
  return `${text}\n`;
}

function rendered(message: string, properties: LogProperties): string {
  return message.replace(/\{(\w+)\}/g, (_, name: string) => plain(properties[name]));
}

/** Formats a value for a line; text with control characters is quoted. */
function plain(value: unknown): string {
  if (value instanceof ServerledgeError) return plain(errorText(value));
  if (value instanceof Error) return errorText(value);
  if (typeof value === "string") return /\p{Cc}/u.test(value) ? JSON.stringify(value) : value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Returns the message of a `ServerledgeError`, and the stack of any other error. */
function errorText(error: Error): string {
  return error instanceof ServerledgeError ? error.message : error.stack ?? String(error);
}

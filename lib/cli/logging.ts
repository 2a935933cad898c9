/**
 * Where log records go: standard error, as text for people or as JSON lines for machines.
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

/** Characters that wait to be written before further records are dropped and counted. */
const maxBuffered = 1 << 20;
/** Longest time that a record waits, ms. */
const flushIntervalMs = 50;

/** How to log. */
export interface LoggingOptions {
  /** Least severe records to log. */
  readonly level: LogLevel;
  /** Form of a record. */
  readonly format: "text" | "json";
}

/** Logging that has begun; dispose it to write what is buffered and to end it. */
export interface Logging extends AsyncDisposable {
  /** Where lines go that are rendered elsewhere; undefined where `info` is not logged. */
  readonly infoLines: LineSink | undefined;
}

/**
 * Sends the records of all modules to a stream. Who logs is never blocked: records are gathered and
 * written together, since a write for each would cost as much as the invocation it tells of.
 *
 * @param options level and form
 * @param stream where they go; it stays open
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

/** Lines on their way to a stream, many at a time. */
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

  /** One write after the other: a slow reader makes records wait, then drop, but never the node. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  async #write(): Promise<void> {
    while (this.#waiting !== "") {
      const dropped = this.#dropped > 0
        ? `(${this.#dropped} records dropped: too many at once)\n`
        : "";
      const bytes = this.#encoder.encode(this.#waiting + dropped);
      this.#waiting = "";
      this.#dropped = 0;
      await this.#writer.write(bytes).catch(() => {});
    }
  }
}

/** `2026-01-31T12:00:00.000Z INFO pool: message`. */
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

/** A value within a line: what would break the line is quoted. */
function plain(value: unknown): string {
  if (value instanceof ServerledgeError) return plain(errorText(value));
  if (value instanceof Error) return errorText(value);
  if (typeof value === "string") return /\p{Cc}/u.test(value) ? JSON.stringify(value) : value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** An error of ours says what is wrong in its message; any other is a surprise and shows its stack. */
function errorText(error: Error): string {
  return error instanceof ServerledgeError ? error.message : error.stack ?? String(error);
}

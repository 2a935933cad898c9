/**
 * Where log records go: standard error, as text for people or as JSON lines for machines.
 *
 * @module
 */

import { configure, type LogLevel, type LogRecord, reset } from "@logtape/logtape";
import { ServerledgeError } from "../base/errors.ts";
import type { LineSink } from "../base/log.ts";

/** Characters that wait to be written before further records are dropped and counted. */
const maxBuffered = 1 << 20;
/** Longest time that a record waits, ms. */
const flushIntervalMs = 50;

/** How to log. */
export interface LoggingOptions {
  /** Least severe records to log. */
  readonly level: Extract<LogLevel, "debug" | "info" | "warning" | "error">;
  /** Form of a record. */
  readonly format: "text" | "json";
}

/** Logging that has begun; dispose it to write what is buffered and to end it. */
export interface Logging extends AsyncDisposable {
  /** Where lines go that are rendered elsewhere; undefined where `info` is not logged. */
  readonly infoLines: LineSink | undefined;
}

/**
 * Sends the records of all rooms to a stream. Who logs is never blocked: records are gathered and
 * written together, since a write for each would cost as much as the invocation it tells of.
 *
 * @param options level and form
 * @param stream where they go; it stays open
 */
export async function startLogging(
  options: LoggingOptions,
  stream: WritableStream<Uint8Array> = Deno.stderr.writable,
): Promise<Logging> {
  const lines = new GatheredLines(stream);
  const format = options.format === "json" ? jsonLine : textLine;
  await configure({
    reset: true,
    sinks: {
      stream: (record) => {
        lines.add(format(record));
        if (record.level === "error" || record.level === "fatal") lines.flush();
      },
    },
    loggers: [
      { category: "serverledge", lowestLevel: options.level, sinks: ["stream"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["stream"] },
    ],
  });
  return {
    infoLines: options.level === "debug" || options.level === "info" ? lines : undefined,
    async [Symbol.asyncDispose]() {
      await reset();
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
function textLine({ timestamp, level, category, message }: LogRecord): string {
  const room = category.slice(1).join(".");
  return `${isoTime(timestamp)} ${level.toUpperCase()} ${room}: ${messageText(message)}\n`;
}

/** The keys are those of LogTape's own JSON lines. */
function jsonLine({ timestamp, level, category, message, properties }: LogRecord): string {
  const record = {
    "@timestamp": isoTime(timestamp),
    level: level.toUpperCase(),
    message: messageText(message),
    logger: category.join("."),
    ...properties,
  };
  return `${
    JSON.stringify(record, (_key, value) => value instanceof Error ? errorText(value) : value)
  }\n`;
}

function messageText(parts: readonly unknown[]): string {
  return parts.map(plain).join("");
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

function isoTime(timestamp: number): string {
  return new Date(timestamp).toISOString();
}

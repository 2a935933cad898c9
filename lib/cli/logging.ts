/**
 * Where log records go: standard error, as text for people or as JSON lines for machines.
 *
 * @module
 */

import {
  configure,
  getJsonLinesFormatter,
  getStreamSink,
  getTextFormatter,
  type LogLevel,
} from "@logtape/logtape";

/** Records that wait to be written before the oldest go; a slow reader must not stop the node. */
const bufferedRecords = 1000;
/** Longest time that a record waits, ms. */
const flushIntervalMs = 50;

/** How to log. */
export interface LoggingOptions {
  /** Least severe records to log. */
  readonly level: Extract<LogLevel, "debug" | "info" | "warning" | "error">;
  /** Form of a record. */
  readonly format: "text" | "json";
}

/**
 * Sends the records of all rooms to a stream, without ever blocking who logs.
 *
 * @param options level and form
 * @param stream where they go; it stays open
 * @returns dispose it to write what is buffered and to end logging
 */
export async function startLogging(
  options: LoggingOptions,
  stream: WritableStream<Uint8Array> = Deno.stderr.writable,
): Promise<AsyncDisposable> {
  const formatter = options.format === "json"
    ? getJsonLinesFormatter({ properties: "flatten" })
    : getTextFormatter({ timestamp: "rfc3339", category: (parts) => parts.slice(1).join(".") });
  const sink = getStreamSink(stream, {
    formatter,
    closeStream: false,
    nonBlocking: { bufferSize: bufferedRecords, flushInterval: flushIntervalMs },
  });
  await configure({
    reset: true,
    sinks: { stream: sink },
    loggers: [
      { category: "serverledge", lowestLevel: options.level, sinks: ["stream"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["stream"] },
    ],
  });
  return {
    async [Symbol.asyncDispose]() {
      await configure({ reset: true, sinks: {}, loggers: [] });
      await sink[Symbol.asyncDispose]();
    },
  };
}

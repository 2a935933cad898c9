/**
 * The stream of JSON lines with which the engine tells the progress of a pull or an import.
 * Not read by docker-modem's `followProgress`, which throws beside the promise at a broken line.
 *
 * @module
 */

import { engineRefusal } from "./engine.ts";

/** One line of progress. */
export interface ProgressEvent {
  /** Id of the layer that it is about. */
  readonly id?: string;
  /** What happens to it, e.g. `Downloading`. */
  readonly status?: string;
  /** Bytes done and to do. */
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  /** Why it failed. */
  readonly error?: string;
}

/** A stream of bytes, of the web or of Node. */
export type ByteStream = AsyncIterable<string | Uint8Array> | NodeJS.ReadableStream;

/**
 * Reads a progress stream to its end.
 *
 * @param what the request in words, for the error
 * @param answer the engine's
 * @param report told every event
 * @throws `ENGINE_REFUSED` where the stream tells a failure
 */
export async function followProgress(
  what: string,
  answer: ByteStream,
  report: (event: ProgressEvent) => void = () => {},
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of answer) {
    const text = typeof piece === "string" ? piece : decoder.decode(piece, { stream: true });
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line.trim()) read(line);
  }
  if (rest.trim()) read(rest);

  function read(line: string): void {
    const event: ProgressEvent = JSON.parse(line);
    if (event.error !== undefined) throw engineRefusal(what, 500, event.error);
    report(event);
  }
}

/**
 * The stream of JSON lines with which the engine tells the progress of a pull or an import.
 * Not read by docker-modem's `followProgress`, which throws beside the promise at a broken line.
 *
 * @module
 */

import { readJsonLines } from "../../../json/lines.ts";
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
  answer: AsyncIterable<Uint8Array> | NodeJS.ReadableStream,
  report: (event: ProgressEvent) => void = () => {},
): Promise<void> {
  // What dockerode hands out is a stream of bytes, of which its types know no more than that.
  for await (const line of readJsonLines(answer as AsyncIterable<Uint8Array>)) {
    const event = line as ProgressEvent;
    if (event.error !== undefined) throw engineRefusal(what, 500, event.error);
    report(event);
  }
}

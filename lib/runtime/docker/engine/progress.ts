/**
 * Reader of the JSON lines in which the engine reports the progress of a pull or an import. It replaces
 * docker-modem's `followProgress`, which throws outside of its promise at an invalid line.
 *
 * @module
 */

import { readJsonLines } from "../../../json/lines.ts";
import { engineRefusal } from "./engine.ts";

/** One line of progress. */
export interface ProgressEvent {
  /** Id of the layer. */
  readonly id?: string;
  /** State of the layer, e.g. `Downloading`. */
  readonly status?: string;
  /** Bytes done so far, and bytes in total. */
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  /** Reason of a failure. */
  readonly error?: string;
}

/**
 * Reads a progress stream to its end.
 *
 * @param what description of the request for the error
 * @param report called with every event
 * @throws `ENGINE_REFUSED` if the stream reports a failure
 */
export async function followProgress(
  what: string,
  answer: AsyncIterable<Uint8Array> | NodeJS.ReadableStream,
  report: (event: ProgressEvent) => void = () => {},
): Promise<void> {
  // dockerode's types do not say that the stream yields bytes.
  for await (const line of readJsonLines(answer as AsyncIterable<Uint8Array>)) {
    const event = line as ProgressEvent;
    if (event.error !== undefined) throw engineRefusal(what, 500, event.error);
    report(event);
  }
}

/**
 * Writes requests to a connection.
 *
 * @module
 */

import { NeverSent } from "./failures.ts";
import { type HeaderPair, requestHead } from "./head.ts";
import { latin1Bytes } from "./latin1.ts";
import { type ByteSink, chunkOf, joinText, lastChunk, maxJoinedBytes, writeAll } from "./output.ts";

/** Request that a client sends. */
export interface HttpRequest {
  /** Method. */
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Headers, `host` among them, without those that delimit the body. */
  readonly headers: readonly HeaderPair[];
  /** Body: bytes, or a stream that is sent in chunks. */
  readonly body: Uint8Array | ReadableStream<Uint8Array> | undefined;
}

/** Unsent rest of a request. */
export interface RequestRest {
  /** Sends the rest. */
  send(): Promise<void>;
  /** Cancels the stream of the body, since it cannot be sent. */
  cancel(): void;
}

/**
 * Sends the first bytes of a request. It does not read from a stream yet.
 *
 * @returns the rest; undefined if the whole request was sent
 * @throws {NeverSent} if no byte was sent
 */
export async function beginRequest(
  sink: ByteSink,
  request: HttpRequest,
): Promise<RequestRest | undefined> {
  const { method, path, headers, body } = request;
  const isStream = body instanceof ReadableStream;
  const length = isStream ? undefined : body?.length ?? 0;
  const head = requestHead(method, path, headers, length);
  const isJoined = !isStream && body !== undefined && body.length <= maxJoinedBytes;
  const first = isJoined ? joinText(head, body) : latin1Bytes(head);
  const count = await sink.write(first).catch((cause) => {
    throw new NeverSent("The connection had ended before the request", { cause });
  });
  const last = isJoined ? undefined : body;
  if (count === first.length && !last) return undefined;
  const parts = last instanceof ReadableStream ? last.getReader() : undefined;
  return {
    async send() {
      await writeAll(sink, first.subarray(count));
      if (parts) await writeChunks(sink, parts);
      else if (last instanceof Uint8Array) await writeAll(sink, last);
    },
    cancel() {
      // The failure of a stream is reported by its reader.
      parts?.cancel().catch(() => {});
    },
  };
}

async function writeChunks(
  sink: ByteSink,
  parts: ReadableStreamDefaultReader<Uint8Array>,
): Promise<void> {
  for (let next = await parts.read(); !next.done; next = await parts.read()) {
    // An empty chunk would end the body.
    if (next.value.length === 0) continue;
    for (const piece of chunkOf(next.value)) await writeAll(sink, piece);
  }
  await writeAll(sink, lastChunk);
}

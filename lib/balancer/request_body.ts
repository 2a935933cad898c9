/**
 * The body of a client's request on its way to a node.
 *
 * @module
 */

import { concatBytes } from "../base/bytes.ts";
import { ServerledgeError } from "../base/errors.ts";
import type { Body } from "../http/body.ts";
import type { IncomingRequest } from "../http/server/messages.ts";

/** Longest body that is buffered, so that it can be sent to another node. */
const maxReplayBytes = 1 << 20;

/** A buffered body, which can be sent again, or a stream, which cannot; undefined if there is none. */
export type RequestBody = Uint8Array | ReadableStream<Uint8Array> | undefined;

/**
 * Reads a body up to a limit.
 *
 * @param limit longest body to buffer, bytes
 * @returns the buffered body, or a stream if it is longer
 * @throws `CANCELLED` if the client disconnects, `UNAUTHORIZED` if a node has signed another body
 */
export async function readBody(
  { body }: Pick<IncomingRequest, "body">,
  limit: number = maxReplayBytes,
): Promise<RequestBody> {
  if (body.length === 0) return undefined;
  try {
    if (body.length === undefined) return await readUpTo(body, limit);
    return body.length <= limit ? await body.whole(limit) : toStream([], body);
  } catch (cause) {
    if (cause instanceof ServerledgeError) throw cause;
    throw new ServerledgeError(
      "CANCELLED",
      "The client disconnected before the whole body had arrived",
      {
        cause,
      },
    );
  }
}

async function readUpTo(body: Body, limit: number): Promise<RequestBody> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  while (size <= limit) {
    const part = await body.part();
    if (!part) return parts.length === 1 ? parts[0]! : concatBytes(parts);
    parts.push(part.slice());
    size += part.length;
  }
  return toStream(parts, body);
}

/** The parts that were read already, then the rest. */
function toStream(
  parts: Uint8Array<ArrayBuffer>[],
  body: Body,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const part = parts.shift() ?? (await body.part())?.slice();
      if (part) controller.enqueue(part);
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

/**
 * The body of a client's request on its way to a node.
 *
 * @module
 */

import { concatBytes } from "../base/bytes.ts";
import { ServerledgeError } from "../base/errors.ts";
import type { Body } from "../http/body.ts";
import type { IncomingRequest } from "../http/server/messages.ts";

/** Bodies up to this size are kept until the answer, so that they can be sent to another node. */
const maxReplayBytes = 1 << 20;

/** A body: whole, so that it can be sent again, or a stream that can be sent once; or none. */
export type RequestBody = Uint8Array | ReadableStream<Uint8Array> | undefined;

/**
 * Reads a body as far as it is kept.
 *
 * @param limit bytes that are kept
 * @returns the whole body if it is not longer than that
 * @throws `CANCELLED` if the client leaves
 */
export async function takeBody(
  { body }: Pick<IncomingRequest, "body">,
  limit: number = maxReplayBytes,
): Promise<RequestBody> {
  if (body.length === 0) return undefined;
  try {
    if (body.length === undefined) return await readUpTo(body, limit);
    return body.length <= limit ? await body.whole(limit) : streamed([], body);
  } catch (cause) {
    throw new ServerledgeError("CANCELLED", "The client left before its body had arrived", {
      cause,
    });
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
  return streamed(parts, body);
}

/** What was read already, then the rest. */
function streamed(
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

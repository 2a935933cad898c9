/**
 * The body of a client's request on its way to a node.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";

/** Bodies up to this size are kept until the answer, so that they can be sent to another node. */
const maxReplayBytes = 1 << 20;

/** A body: whole, so that it can be sent again, or a stream that can be sent once; or none. */
export type RequestBody = Uint8Array | ReadableStream<Uint8Array> | undefined;

/**
 * Reads a body as far as it is kept.
 *
 * @param request whose body
 * @param limit bytes that are kept
 * @returns the whole body if it is not longer than that
 * @throws `CANCELLED` if the client leaves
 */
export async function takeBody(
  request: Request,
  limit: number = maxReplayBytes,
): Promise<RequestBody> {
  const announced = request.headers.get("content-length");
  if (announced === "0") return undefined;
  try {
    // The server holds clients to what they announce, and this is twice as quick as a stream.
    if (announced !== null && Number(announced) <= limit) return await request.bytes();
    if (announced !== null || !request.body) return request.body ?? undefined;
    return await readUpTo(request.body.getReader(), limit);
  } catch (cause) {
    throw new ServerledgeError("CANCELLED", "The client left before its body had arrived", {
      cause,
    });
  }
}

async function readUpTo(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limit: number,
): Promise<RequestBody> {
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size <= limit) {
    const { done, value } = await reader.read();
    if (done) return join(parts, size);
    parts.push(value);
    size += value.length;
  }
  return resumed(parts, reader);
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What was read already, then the rest. */
function resumed(
  parts: Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const part = parts.shift();
      if (part) return controller.enqueue(part);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/**
 * What executors say: the JSON of hellos and replies, checked. By hand and not by schema, because
 * it is read for every invocation.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { isObject } from "../model/json.ts";
import type { Reply } from "./environment.ts";
import { FrameError } from "./frames.ts";

/**
 * Reads the first frame of a connection.
 *
 * @param text the frame
 * @returns the token
 * @throws {FrameError} if it is no hello
 */
export function readHello(text: string): string {
  const message = parseObject(text);
  if (typeof message.token !== "string") throw new FrameError("a hello has no token");
  return message.token;
}

/**
 * Reads a reply.
 *
 * @param text the frame
 * @returns which call it answers and how; an `UNPROCESSABLE` error where its fields are not as
 *   they must be
 * @throws {FrameError} if it cannot belong to any call
 */
export function readReply(text: string): { id: string; reply: Reply | ServerledgeError } {
  const message = parseObject(text);
  const { id, ok, result, output, error } = message;
  if (typeof id !== "string") throw new FrameError("a reply has no id");
  if (typeof output === "string") {
    if (ok === true && typeof result === "string") return { id, reply: { ok, result, output } };
    if (ok === false && isObject(error)) {
      const { type, message, traceback } = error;
      if (typeof type === "string" && typeof message === "string") {
        const failure = { type, message, traceback: String(traceback ?? "") };
        return { id, reply: { ok, failure, output } };
      }
    }
  }
  return {
    id,
    reply: new ServerledgeError(
      "UNPROCESSABLE",
      "The executor's reply is not as the protocol wants it",
    ),
  };
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FrameError("a frame is not JSON", { cause });
  }
  if (!isObject(value)) throw new FrameError("a frame is not a JSON object");
  return value;
}

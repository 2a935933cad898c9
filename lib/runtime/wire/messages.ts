/**
 * Parser of the messages of executors: hellos, replies, parts of streamed responses, and output. They
 * are checked by hand and not by schema, because the parser runs for every invocation.
 *
 * @module
 */

import { isObject } from "../../json/json.ts";
import { QuotedText } from "../../json/quoted.ts";
import type { Reply, StreamedAnswer } from "../environment.ts";
import { FrameError } from "./frames.ts";

/** Bytes in a MiB. */
const mib = 1 << 20;

/**
 * Reads the first frame of a connection.
 *
 * @returns the token
 * @throws {FrameError} if the frame is not a hello
 */
export function readHello(text: string): string {
  const message = parseObject(text);
  if (typeof message.token !== "string") throw new FrameError("a hello has no token");
  return message.token;
}

/** Reply with the other fields of its frame. */
export interface ReadReply {
  /** Id of the call that the reply belongs to. */
  readonly id: string;
  readonly reply: Reply;
  /** True if the executor waits for its next call on its pipe. */
  readonly waits: boolean;
}

/**
 * Reads a reply.
 *
 * @param long its result, if it was extracted before
 * @returns the call's id, the reply, and whether the executor waits for its next call on its pipe; the
 *   reply is a failure if its fields violate the protocol
 * @throws {FrameError} if it cannot belong to any call
 */
export function readReply(text: string, long?: QuotedText): ReadReply {
  const message = parseObject(text);
  const { id, ok, output, error } = message;
  const result = long ?? message.result;
  const waits = message.waits === true;
  if (typeof id !== "string") throw new FrameError("a reply has no id");
  if (typeof output === "string") {
    if (ok === true && (typeof result === "string" || result instanceof QuotedText)) {
      return { id, reply: { ok, result, output }, waits };
    }
    if (ok === false && isObject(error)) {
      const { type, message, traceback } = error;
      if (typeof type === "string" && typeof message === "string") {
        const failure = { type, message, traceback: String(traceback ?? "") };
        return { id, reply: { ok, failure, output }, waits };
      }
    }
  }
  return { id, reply: badReply("The executor's reply violates the protocol"), waits };
}

/**
 * Reads the two ends of a reply that is too long.
 *
 * @param ends the two ends of its frame
 * @param reply reply that replaces it
 * @throws {FrameError} if it cannot belong to any call
 */
export function readCutReply(ends: string, reply: Reply): ReadReply {
  const [, id] = /^\{"id":"([^"\\]+)"/.exec(ends) ?? [];
  if (id === undefined) throw new FrameError("a frame is too long and is not a reply");
  // Inside a JSON string these quotes would be escaped.
  return { id, reply, waits: ends.endsWith(',"waits":true}') };
}

/**
 * Creates the reply for a result that is too long. The call fails; the instance remains usable.
 *
 * @param maxResultBytes maximum length of a result, bytes of quoted JSON
 */
export function tooLong(maxResultBytes: number): Reply {
  const message =
    `The result is longer than ${maxResultBytes / mib} MiB as a quoted JSON string: ` +
    "return less, stream it, or raise api.result.max of the node";
  return { ok: false, failure: { type: "ResultTooLarge", message, traceback: "" }, output: "" };
}

/**
 * Creates the reply that replaces one that violates the protocol. The instance remains usable.
 *
 * @param message how the reply violates the protocol
 */
export function badReply(message: string): Reply {
  return { ok: false, failure: { type: "BadReply", message, traceback: "" }, output: "" };
}

/** Beginning of the last field of a call, its raw params. Everywhere else in a call, quotes are escaped. */
export const paramsKey = ',"params":';

/** A part of a streamed response: first its head, then bytes. */
export type Part =
  & { readonly id: string }
  & (
    | {
      /** Status and headers. */
      readonly head: Omit<StreamedAnswer, "body">;
    }
    | {
      /** Bytes of the body. */
      readonly data: Uint8Array<ArrayBuffer>;
    }
  );

/** Beginning of a frame with a part of a streamed response. */
export const partPrefix = '{"part":';

/**
 * Reads a part of a streamed response.
 *
 * @throws {FrameError} if the frame is not a valid part
 */
export function readPart(text: string): Part {
  const { part: id, status, headers, data } = parseObject(text);
  if (typeof id !== "string") throw new FrameError("a part has no id");
  if (typeof data === "string") return { id, data: readBytes(data) };
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) {
    throw new FrameError("a streamed response has no status");
  }
  return { id, head: { status: status as number, headers: readHeaders(headers) } };
}

/** Output that an executor reports, of a call or of the function outside of calls. */
export interface LogFrame {
  /** Id of the call; null if no call wrote the output, or the call is unknown. */
  readonly id: string | null;
  readonly text: string;
}

/** Beginning of a frame with output. */
export const logPrefix = '{"log":';
/** Maximum length of a call's id in a frame with output. */
const maxIdLength = 256;

/**
 * Reads a frame with output.
 *
 * @throws {FrameError} if the frame is not valid output
 */
export function readLog(frame: string): LogFrame {
  const { log: id, text } = parseObject(frame);
  if (typeof text !== "string") throw new FrameError("output has no text");
  if (id === null) return { id, text };
  if (typeof id !== "string" || id.length > maxIdLength) throw new FrameError("output has no id");
  return { id, text };
}

function readBytes(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(base64);
  } catch (cause) {
    throw new FrameError("a part is not base64", { cause });
  }
}

function readHeaders(headers: unknown): [string, string][] {
  if (!Array.isArray(headers)) throw new FrameError("a streamed response has no headers");
  try {
    return [...new Headers(headers)];
  } catch (cause) {
    throw new FrameError("the headers of a streamed response are invalid", { cause });
  }
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

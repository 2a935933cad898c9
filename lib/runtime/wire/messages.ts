/**
 * Parser of what executors send: hellos and replies. Checked by hand and not by schema, because
 * it is read for every invocation.
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
 * @throws {FrameError} if it is no hello
 */
export function readHello(text: string): string {
  const message = parseObject(text);
  if (typeof message.token !== "string") throw new FrameError("a hello has no token");
  return message.token;
}

/** Reply, with what else its frame holds. */
export interface ReadReply {
  /** Which call it answers. */
  readonly id: string;
  readonly reply: Reply;
  /** True if the executor waits for its next call on its pipe. */
  readonly waits: boolean;
}

/**
 * Reads a reply.
 *
 * @param long its result, if that was extracted before
 * @returns which call it answers and how; a failure where its fields are not as they must be; and
 *   whether the executor waits for its next call on its pipe
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
  return { id, reply: badReply("The executor's reply is not as the protocol wants it"), waits };
}

/**
 * Reads what was kept of a reply that is too long.
 *
 * @param ends its two ends
 * @param reply what stands for it
 * @throws {FrameError} if it cannot belong to any call
 */
export function readCutReply(ends: string, reply: Reply): ReadReply {
  const [, id] = /^\{"id":"([^"\\]+)"/.exec(ends) ?? [];
  if (id === undefined) throw new FrameError("a frame is too long and no reply");
  // In a string these quotes would be escaped.
  return { id, reply, waits: ends.endsWith(',"waits":true}') };
}

/**
 * Creates the reply for a result that is too long: the call has failed, the instance is unharmed.
 *
 * @param maxResultBytes longest result that is taken
 */
export function tooLong(maxResultBytes: number): Reply {
  const message = `The result is longer than ${maxResultBytes / mib} MiB of JSON in quotes: ` +
    "return less, stream it, or raise api.result.max of the node";
  return { ok: false, failure: { type: "ResultTooLarge", message, traceback: "" }, output: "" };
}

/**
 * Creates the reply for one that violates the protocol; the instance is unharmed.
 *
 * @param message what is wrong with it
 */
export function badReply(message: string): Reply {
  return { ok: false, failure: { type: "BadReply", message, traceback: "" }, output: "" };
}

/** How the last field of a call begins: its params, raw. Elsewhere in it every quote is escaped. */
export const paramsKey = ',"params":';

/** A part of a streamed answer: first its head, then bytes. */
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

/** How a frame with a part of a streamed answer begins. */
export const partPrefix = '{"part":';

/**
 * Reads a part of a streamed answer.
 *
 * @throws {FrameError} if it is none
 */
export function readPart(text: string): Part {
  const { part: id, status, headers, data } = parseObject(text);
  if (typeof id !== "string") throw new FrameError("a part has no id");
  if (typeof data === "string") return { id, data: readBytes(data) };
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) {
    throw new FrameError("a streamed answer has no status");
  }
  return { id, head: { status: status as number, headers: readHeaders(headers) } };
}

/** What an executor says that a call has written, or the function outside of calls. */
export interface LogFrame {
  /** The call; null if it was outside of any, or nobody can tell. */
  readonly id: string | null;
  readonly text: string;
}

/** How a frame with output begins. */
export const logPrefix = '{"log":';
/** Longest id of a call that output can belong to. */
const maxIdLength = 256;

/**
 * Reads a frame with output.
 *
 * @throws {FrameError} if it is none
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
  if (!Array.isArray(headers)) throw new FrameError("a streamed answer has no headers");
  try {
    return [...new Headers(headers)];
  } catch (cause) {
    throw new FrameError("a streamed answer's headers are none", { cause });
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

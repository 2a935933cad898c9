/**
 * Client of the HTTP executor protocol that custom images serve: `POST /invoke` on port 8080, as defined
 * by the Go project. It accepts the deviations of that project's executors: HTTP/1.0 replies that end
 * with the connection, and replies without `Output` or `Result`.
 *
 * @module
 */

import { pause } from "../../../base/async.ts";
import { BackOff } from "../../../base/back_off.ts";
import { ServerledgeError } from "../../../base/errors.ts";
import { reserveLong } from "../../../base/reserve_memory.ts";
import { sliceBytes } from "../../../base/slices.ts";
import type { WholeResponse } from "../../../http/client.ts";
import { askOnce } from "../../../http/ask_once.ts";
import { BadMessage, NeverSent, TooLong } from "../../../http/failures.ts";
import { tryParseObject } from "../../../json/json.ts";
import { liftText, RestTooLong } from "../../../json/lift.ts";
import { QuotedText } from "../../../json/quoted.ts";
import { JsonScanError } from "../../../json/tokens.ts";
import { surround } from "../../../model/params.ts";
import type { Call, FunctionFailure, Reply } from "../../environment.ts";
import { badReply, tooLong } from "../../wire/messages.ts";
import { isRefusal, refusedResult, type ResultMemory } from "../../wire/result_memory.ts";
import type { Relay } from "./relay.ts";

/** Maximum bytes of a reply in addition to a long result. */
const maxRestBytes = 8 << 20;
/** Maximum bytes of an error response that are shown to the caller. */
const maxShownBytes = 4096;
/** First and longest wait between two probes of a server that is starting, ms. */
const minProbeMs = 5;
const maxProbeMs = 100;
/** `Host` header of requests. */
const host = "localhost:8080";
/** Time limit for a custom image to accept connections, ms. */
export const customReadyTimeoutMs = 30_000;
const decoder = new TextDecoder();

/** Server of a custom image. */
export interface CustomServer {
  readonly relay: Relay;
  /** Memory for results. */
  readonly results: ResultMemory;
}

/**
 * Waits until the server accepts connections.
 *
 * @param relay relay to the server
 * @throws the signal's reason, or `INSTANCE_START_FAILED` after 30 s
 */
export async function awaitServer(relay: Relay, signal: AbortSignal): Promise<void> {
  const end = performance.now() + customReadyTimeoutMs;
  const backOff = new BackOff(minProbeMs, maxProbeMs);
  for (;;) {
    signal.throwIfAborted();
    if (await accepts(relay, signal)) return;
    const wait = backOff.failed();
    if (performance.now() + wait > end) {
      throw new ServerledgeError(
        "INSTANCE_START_FAILED",
        "The custom image does not accept connections on port 8080: it must serve POST /invoke there",
      );
    }
    await pause(wait, signal);
  }
}

/** Probes once whether the server accepts connections. */
async function accepts(relay: Relay, signal: AbortSignal): Promise<boolean> {
  try {
    using _connection = await relay.connect(signal);
    return true;
  } catch (error) {
    if (error instanceof NeverSent) return false;
    throw error;
  }
}

/**
 * Sends a call once. It is never repeated, because the function may have run.
 *
 * @param signal closes the connection when aborted
 * @throws `UNPROCESSABLE` if the call cannot be sent; {NeverSent} or {ConnectionBroken} if the
 *   connection ended without a complete reply
 */
export async function callCustom(
  { relay, results }: CustomServer,
  call: Call,
  signal: AbortSignal,
): Promise<Reply> {
  const rest = ',"Handler":"","HandlerDir":"","ReturnOutput":true}';
  const body = surround('{"Command":null,"Params":', call.params.json, rest);
  using owned = new DisposableStack();
  const held = owned.use(results.take(0));
  try {
    const headers = [["host", host], ["content-type", "application/json"]] as const;
    const answer = await askOnce(
      await relay.connect(signal),
      { method: "POST", path: "/invoke", headers, body },
      { signal, maxBytes: results.maxBytes + maxRestBytes, reserve: reserveLong(held) },
    );
    const reply = await readReply(answer, results.maxBytes);
    if (!reply.ok || typeof reply.result === "string") return reply;
    return { ...reply, result: new QuotedText(reply.result.json, owned.move()) };
  } catch (error) {
    if (error instanceof TooLong || error instanceof RestTooLong) return tooLong(results.maxBytes);
    if (isRefusal(error)) return refusedResult(error);
    if (error instanceof BadMessage) return broken(error.message);
    throw error;
  }
}

/**
 * Reads a reply of any length, a long one in slices.
 *
 * @param answer status and body of the response
 * @param maxResultBytes maximum length of a result, as quoted JSON
 * @throws {RestTooLong} if the reply without its result is too long
 */
export async function readReply(
  { status, body }: Pick<WholeResponse, "status" | "body">,
  maxResultBytes: number,
): Promise<Reply> {
  if (body.length <= sliceBytes) return readCustomReply(status, decoder.decode(body));
  try {
    const { rest, text } = await liftText(body, "Result", maxRestBytes);
    if (text && text.length > maxResultBytes) return tooLong(maxResultBytes);
    return readCustomReply(status, rest, text);
  } catch (error) {
    if (!(error instanceof JsonScanError)) throw error;
    return readCustomReply(status, decoder.decode(body.subarray(0, maxShownBytes)));
  }
}

/**
 * Reads a reply of a custom image.
 *
 * @param status HTTP status; any status except 200 is a failure of the function
 * @param text body of the response
 * @param long its result, if it was extracted before
 */
export function readCustomReply(status: number, text: string, long?: QuotedText): Reply {
  const reply = tryParseObject(text);
  const output = typeof reply?.Output === "string" ? reply.Output : "";
  if (status !== 200) {
    const message = `The custom image responded with HTTP status ${status}`;
    const traceback = reply ? "" : text.slice(0, maxShownBytes);
    return { ok: false, failure: { type: "HttpStatus", message, traceback }, output };
  }
  if (!reply) return broken("is not a JSON object");
  const { Success = false, Result } = reply;
  if (typeof Success !== "boolean") return broken("has a Success that is neither true nor false");
  if (!Success) return { ok: false, failure: failure(reply.Error), output };
  if (Result !== undefined && Result !== null && typeof Result !== "string") {
    return broken("has a Result that is not a JSON string");
  }
  return { ok: true, result: long ?? Result ?? "", output };
}

function failure(error: unknown): FunctionFailure {
  const message = typeof error === "string" && error
    ? error
    : "The custom image reported a failure";
  return { type: "FunctionFailure", message, traceback: "" };
}

function broken(how: string): Reply {
  return badReply(`The reply of the custom image ${how}`);
}

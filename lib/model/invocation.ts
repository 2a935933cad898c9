/**
 * One invocation as clients send it, and the report that answers it.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { localitySchema } from "./locality.ts";
import type { PageAnswer } from "./page.ts";
import { startTiers } from "./start_tier.ts";
import { foldKeys, isObject, type JsonObject, keyIndex, parse, parseJson } from "./json.ts";

const flag = (meaning: string) =>
  v.nullish(v.pipe(v.boolean("expected true or false"), v.description(meaning)), false);

/** Body of `POST /invoke/:fun`; keys in their exact spelling. */
export const invokeSchema = v.object({
  Params: v.nullish(
    v.pipe(
      v.custom<JsonObject>(isObject, "expected a JSON object"),
      v.description("Passed to the function as it is"),
    ),
    null,
  ),
  QoSClass: v.nullish(
    v.pipe(
      v.union([v.pipe(v.number(), v.integer()), v.string()], "expected an integer or a class name"),
      v.description("QoS class, by id or name"),
    ),
    0,
  ),
  QoSMaxRespT: v.nullish(
    v.pipe(
      v.number("expected a number"),
      v.finite("expected a finite number"),
      v.description("Response-time limit, s; 0 or less: none"),
    ),
    0,
  ),
  Locality: v.nullish(localitySchema, "any"),
  CanDoOffloading: flag("True if another node may run it"),
  Async: flag("Answer at once with a ReqId, to be polled"),
  ReturnOutput: flag("Report what the function wrote to stdout and stderr"),
});

/** A checked invocation request with all defaults filled in. */
export type InvokeRequest = v.InferOutput<typeof invokeSchema>;

const invokeKeys = keyIndex(Object.keys(invokeSchema.entries));

const defaults: InvokeRequest = Object.freeze({
  Params: null,
  QoSClass: 0,
  QoSMaxRespT: 0,
  Locality: "any",
  CanDoOffloading: false,
  Async: false,
  ReturnOutput: false,
});

/**
 * Reads an invocation from a request body.
 *
 * @param body JSON text, keys in any case; empty means all defaults
 * @throws `INVALID_REQUEST` with the path of the bad field
 */
export function readInvokeRequest(body: string): InvokeRequest {
  if (body.length === 0) return defaults;
  const value = parseJson(body);
  if (!isObject(value)) {
    throw new ServerledgeError("INVALID_REQUEST", "The body must be a JSON object");
  }
  const given = foldKeys(value, invokeKeys);
  const request: Record<string, unknown> = { ...defaults };
  // Most requests give one or two fields: the others need no look.
  for (const name in given) {
    const field = v.safeParse(invokeSchema.entries[name as keyof InvokeRequest], given[name]);
    // The whole schema words what is wrong, with its path.
    if (!field.success) return parse(invokeSchema, given);
    request[name] = field.output;
  }
  return request as InvokeRequest;
}

/** The report of a finished invocation, field for field as clients get it. Times are seconds. */
export const reportSchema = v.object({
  Success: v.pipe(v.boolean(), v.description("False when the function itself failed")),
  Result: v.pipe(v.string(), v.description("JSON text of what the function returned")),
  ResponseTime: v.pipe(v.number(), v.description("Arrival to completion, s")),
  IsWarmStart: v.pipe(v.boolean(), v.description("True if no instance had to be started for it")),
  InitTime: v.pipe(v.number(), v.description("Arrival to the start of the execution, s")),
  QueueingTime: v.pipe(
    v.number(),
    v.description("Arrival to leaving the wait queue, s; 0 if it never waited"),
  ),
  OffloadLatency: v.pipe(v.number(), v.description("What sending it to another node cost, s")),
  Duration: v.pipe(v.number(), v.description("Execution in the instance, s")),
  Output: v.pipe(v.string(), v.description("Captured stdout and stderr, if asked for")),
  ExecutionArea: v.pipe(v.string(), v.description("Area of the node that ran it")),
  ExecutionNode: v.pipe(v.string(), v.description("Id of the node that ran it")),
  // Any text, so that the report of a newer node is one too.
  StartTier: v.optional(
    v.pipe(
      v.string(),
      v.description(
        `What was done for it before it could run: ${startTiers.join(", ")}; empty if not known`,
      ),
    ),
    "",
  ),
});

/** The report of a finished invocation. */
export type Report = v.InferOutput<typeof reportSchema> & {
  /**
   * The answer itself, if it came over plain HTTP from another node or is streamed; `Result` is empty
   * then. While it is streamed, the rest tells what was known when it began.
   */
  readonly page?: PageAnswer;
};

/**
 * Invocation requests of clients, and reports of finished invocations.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { sliceBytes, slices } from "../base/slices.ts";
import type { Text } from "../json/quoted.ts";
import { type Locality, localitySchema } from "./locality.ts";
import type { RawHttpResponse } from "./raw_http.ts";
import { startTiers } from "./start_tier.ts";
import { isObject, type JsonObject, parse, parseJson } from "../json/json.ts";
import { type JsonMember, JsonScan } from "../json/scan.ts";
import { JsonScanError } from "../json/tokens.ts";
import { type InsideOf, nameInside, wireNames } from "../json/wire_names.ts";
import { noParams, type Params, type RawJson } from "./params.ts";

const flag = (meaning: string) =>
  v.nullish(v.pipe(v.boolean("expected true or false"), v.description(meaning)), false);

/** Schema of the body of `POST /invoke/:fun`, with the exact spelling of keys. */
export const invokeSchema = v.object({
  Params: v.nullish(
    v.pipe(
      v.custom<JsonObject>(isObject, "expected a JSON object"),
      v.description("Parameters of the function, passed unchanged"),
    ),
    null,
  ),
  QoSClass: v.nullish(
    v.pipe(
      v.union([v.pipe(v.number(), v.integer()), v.string()], "expected an integer or a class name"),
      v.description("QoS class, by id or name; an unknown id means the default class"),
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
  CanDoOffloading: v.nullish(
    v.pipe(
      v.boolean("expected true or false"),
      v.description(
        "Allow another node to run it; default: the node's offload.default",
      ),
    ),
  ),
  Async: flag("Respond at once with a ReqId to poll with"),
  ReturnOutput: flag("Include stdout and stderr in the report"),
});

/** A validated invocation request with all defaults. */
export interface InvokeRequest {
  /** Parameters of the function, unchanged. */
  readonly params: Params;
  readonly qosClass: number | string;
  /** Response-time limit, s; 0 or less: none. */
  readonly maxResponseS: number;
  /** Where the data of the request may go. */
  readonly locality: Locality;
  /** True if another node may run the invocation. */
  readonly canOffload: boolean;
  /** True if the client polls for the result. */
  readonly isAsync: boolean;
  /** True if the report contains the output of the function. */
  readonly returnOutput: boolean;
}

/** A request as clients and other nodes send it. */
export type WireRequest = v.InferInput<typeof invokeSchema>;

const requestExceptions = {
  QoSClass: "qosClass",
  QoSMaxRespT: "maxResponseS",
  CanDoOffloading: "canOffload",
  Async: "isAsync",
} as const;
/** Converts requests to another node; their parameters are forwarded unchanged. */
export const requestNames = wireNames(v.omit(invokeSchema, ["Params"]), requestExceptions);

const invokeKeys = Object.keys(invokeSchema.entries) as (keyof WireRequest)[];
/** Maximum length of a body that is scanned at once, bytes; a slice of a longer one takes some 3 ms. */
const scannedAtOnce = 1 << 16;
/** Maximum length of a field other than the parameters, bytes. */
const maxFieldBytes = 4096;
const decoder = new TextDecoder();

/** Request with the defaults of all fields. */
export const defaultRequest: InvokeRequest = Object.freeze({
  params: noParams,
  qosClass: 0,
  maxResponseS: 0,
  locality: "any",
  canOffload: true,
  isAsync: false,
  returnOutput: false,
});

/**
 * Reads an invocation from a request body, without parsing its parameters. A long body is read in slices,
 * between which other tasks run.
 *
 * @param body JSON in UTF-8, with keys in any case; empty means all defaults. It must not change later
 * @param defaults values of absent fields
 * @throws `INVALID_REQUEST` with the path of the invalid field
 */
export async function readInvokeRequest(
  body: RawJson,
  defaults: InvokeRequest = defaultRequest,
): Promise<InvokeRequest> {
  if (body.length === 0) return defaults;
  const scan = new JsonScan(body, invokeKeys);
  if (body.length <= scannedAtOnce) step(scan, body);
  else await slices.run(() => step(scan, body, sliceBytes));
  return requestIn(scan, body, defaults);
}

/** Continues a scan, and reports invalid JSON as an `INVALID_REQUEST`. */
function step(scan: JsonScan, body: RawJson, count?: number): boolean {
  try {
    return scan.advance(count);
  } catch (cause) {
    if (!(cause instanceof JsonScanError)) throw cause;
    // The parser's message quotes the text at the position.
    if (body.length <= scannedAtOnce) parseJson(decoder.decode(body));
    const message = `The body is not JSON: ${cause.message}`;
    throw new ServerledgeError("INVALID_REQUEST", message, { cause });
  }
}

function requestIn(scan: JsonScan, body: RawJson, defaults: InvokeRequest): InvokeRequest {
  if (!scan.isObject) {
    throw new ServerledgeError("INVALID_REQUEST", "The body must be a JSON object");
  }
  const request: Record<string, unknown> = { ...defaults };
  const given: Record<string, unknown> = {};
  // Most requests have one or two fields; absent ones are skipped.
  for (let place = 0; place < invokeKeys.length; place++) {
    const member = scan.member(place);
    if (!member) continue;
    const name = invokeKeys[place]!;
    if (name === "Params") {
      request.params = paramsIn(member, body);
      continue;
    }
    const value = fieldIn(name, member, body);
    if (value === null) continue;
    given[name] = value;
    const field = v.safeParse(invokeSchema.entries[name], given[name]);
    // The whole schema gives the message with the path.
    if (!field.success) parse(invokeSchema, given);
    request[nameInside(name, requestExceptions)] = field.output;
  }
  return request as unknown as InvokeRequest;
}

function paramsIn({ start, end, largeInteger, infinite }: JsonMember, body: RawJson): Params {
  if (body[start] === 0x6e) return noParams;
  if (body[start] !== 0x7b) parse(invokeSchema, { Params: false });
  if (infinite !== undefined) {
    const message = `${infinite}: the number exceeds the range of a double; send it as a string`;
    throw new ServerledgeError("INVALID_REQUEST", message, { details: { path: infinite } });
  }
  return { json: body.subarray(start, end), largeInteger };
}

function fieldIn(name: string, { start, end }: JsonMember, body: RawJson): unknown {
  if (end - start <= maxFieldBytes) return JSON.parse(decoder.decode(body.subarray(start, end)));
  const message = `${name}: longer than ${maxFieldBytes} bytes`;
  throw new ServerledgeError("INVALID_REQUEST", message, { details: { path: name } });
}

/** Schema of the report of a finished invocation, with the fields of clients. Times are seconds. */
export const reportSchema = v.object({
  Success: v.pipe(v.boolean(), v.description("False if the function failed")),
  Result: v.pipe(v.string(), v.description("JSON text of the function's return value")),
  ResponseTime: v.pipe(v.number(), v.description("Time from arrival to completion, s")),
  IsWarmStart: v.pipe(v.boolean(), v.description("True if no instance had to be started")),
  InitTime: v.pipe(v.number(), v.description("Time from arrival to the start of the execution, s")),
  QueueingTime: v.pipe(
    v.number(),
    v.description("Time from arrival until it left the wait queue, s; 0 if it did not wait"),
  ),
  OffloadLatency: v.pipe(v.number(), v.description("Time added by offloading to another node, s")),
  Duration: v.pipe(v.number(), v.description("Execution time in the instance, s")),
  Output: v.pipe(v.string(), v.description("Captured stdout and stderr, if requested")),
  ExecutionArea: v.pipe(v.string(), v.description("Area of the node that ran the function")),
  ExecutionNode: v.pipe(v.string(), v.description("Id of the node that ran the function")),
  // Any text is valid, since newer nodes may report other tiers.
  StartTier: v.optional(
    v.pipe(
      v.string(),
      v.description(
        `Kind of start: ${startTiers.join(", ")}; empty if unknown`,
      ),
    ),
    "",
  ),
});

/** A report in the format for clients, other nodes and registries. */
export type WireReport = v.InferOutput<typeof reportSchema>;

/** Converts reports with short results from and to the format for clients, other nodes and registries. */
export const reportNames = wireNames(reportSchema, {
  ResponseTime: "responseTimeS",
  InitTime: "initTimeS",
  QueueingTime: "queueingTimeS",
  OffloadLatency: "offloadLatencyS",
  Duration: "durationS",
});

/** A report whose result is a string. */
export type PlainReport = InsideOf<typeof reportNames>;

/** The report of a finished invocation. Times are seconds. */
export type Report = Omit<PlainReport, "result"> & {
  /** JSON text of what the function returned. */
  readonly result: Text;
};

/** Result of an invocation. */
export interface InvocationResult {
  /** Report of the invocation; for a streamed response, with its state at the beginning of the stream. */
  readonly report: Report;
  /**
   * The function's raw response, if it came over plain HTTP from another node or is streamed. The
   * report's `result` is then empty.
   */
  readonly response?: RawHttpResponse;
}

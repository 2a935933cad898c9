/**
 * Parameters of an invocation. On their way through a node they stay the bytes that came in: nothing
 * parses them, so that numbers keep all their digits, and a large body costs its bytes and no more.
 *
 * @module
 */

import { type Json, toJson } from "../json/json.ts";

/** JSON in UTF-8 that has been checked. */
export type RawJson = Uint8Array<ArrayBuffer>;

/** What a function gets. */
export interface Params {
  /** A JSON object, or `null`. */
  readonly json: RawJson;
  /** Where in it is the first integer beyond 2^53, e.g. `Params.user.id`; undefined: nowhere. */
  readonly largeInteger?: string;
}

const encoder = new TextEncoder();

/** No parameters. */
export const noParams: Params = Object.freeze({ json: encoder.encode("null") });

/**
 * Parameters that are made here.
 *
 * @param value what the function is to get
 * @throws `UNPROCESSABLE` where it is nested too deeply, or too long for a text
 */
export function paramsOf(value: Json): Params {
  return { json: encoder.encode(toJson(value)) };
}

/**
 * JSON text around raw JSON.
 *
 * @param before text in front of it
 * @param after text behind it
 */
export function surround(before: string, json: RawJson, after: string): RawJson {
  const start = encoder.encode(before);
  const end = encoder.encode(after);
  const bytes = new Uint8Array(start.length + json.length + end.length);
  bytes.set(start);
  bytes.set(json, start.length);
  bytes.set(end, start.length + json.length);
  return bytes;
}

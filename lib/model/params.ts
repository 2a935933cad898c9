/**
 * Parameters of an invocation. A node passes them on as the bytes of the request without parsing them.
 * Numbers keep all their digits, and a large body takes no memory in addition to its bytes.
 *
 * @module
 */

import { type Json, toJson } from "../json/json.ts";

/** Validated JSON in UTF-8. */
export type RawJson = Uint8Array<ArrayBuffer>;

/** Parameters that a function receives. */
export interface Params {
  /** A JSON object, or `null`. */
  readonly json: RawJson;
  /** Path of the first integer beyond 2^53, e.g. `Params.user.id`; undefined if there is none. */
  readonly largeInteger?: string;
}

const encoder = new TextEncoder();

/** Empty parameters. */
export const noParams: Params = Object.freeze({ json: encoder.encode("null") });

/**
 * Makes parameters from a value.
 *
 * @param value value that the function receives
 * @throws `UNPROCESSABLE` if the value is nested too deeply, or too long for a string
 */
export function paramsOf(value: Json): Params {
  return { json: encoder.encode(toJson(value)) };
}

/**
 * Surrounds raw JSON with JSON text.
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

/**
 * JSON values as types, and the reading of JSON whose keys come in any case.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";

const decoder = new TextDecoder();

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** True for a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Renames top-level keys to their exact spelling, matching without regard to case (as Go's JSON
 * decoder does), and drops unknown ones.
 *
 * @param value a parsed body
 * @param names exact spellings, by their lower-case form
 */
export function foldKeys(
  value: Record<string, unknown>,
  names: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const folded: Record<string, unknown> = {};
  for (const key in value) {
    const name = names.get(key) ?? names.get(key.toLowerCase());
    if (name !== undefined) folded[name] = value[key];
  }
  return folded;
}

/** The lower-case index that {@link foldKeys} needs, of an object schema's keys. */
export function keyIndex(names: Iterable<string>): ReadonlyMap<string, string> {
  return new Map([...names].map((name) => [name.toLowerCase(), name]));
}

/**
 * Parses JSON text from outside.
 *
 * @param text the body of a request
 * @throws `INVALID_REQUEST` where the text is not JSON
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { message } = cause as Error;
    throw new ServerledgeError("INVALID_REQUEST", `The body is not JSON: ${message}`, { cause });
  }
}

/**
 * The text of what holds parameters from outside: parsing takes any depth, the way back does not, and
 * what came in parts may be longer than a text can be.
 *
 * @param value what may be nested too deeply, or too long
 * @throws `UNPROCESSABLE` if it is
 */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ServerledgeError("UNPROCESSABLE", "Params: nested too deeply, or too long", {
      cause,
      details: { path: "Params" },
    });
  }
}

/**
 * Checks a value from outside against a schema.
 *
 * @param schema what the value must be
 * @param value what came in
 * @returns the schema's output
 * @throws `INVALID_REQUEST` with the path of the first bad field in its details
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as v from "valibot";
 *
 * const person = v.object({ name: v.string(), age: v.optional(v.number(), 0) });
 * assert(parse(person, parseJson('{"name": "Ada"}')).age === 0);
 * ```
 */
export function parse<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = v.getDotPath(issue) ?? "";
  // An object's schema words a missing key with quotes and jargon of its own.
  const message = issue.received === "undefined" ? "must be given" : issue.message;
  throw new ServerledgeError("INVALID_REQUEST", path ? `${path}: ${message}` : message, {
    details: { path },
  });
}

/**
 * Parses JSON that may be none.
 *
 * @param text a text, or bytes of UTF-8
 * @returns undefined where it is not JSON
 */
export function tryParseJson(text: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof text === "string" ? text : decoder.decode(text));
  } catch {
    return undefined;
  }
}

/**
 * Parses a JSON object that may be none.
 *
 * @param text a text, or bytes of UTF-8
 * @returns undefined where it is not JSON, or no object
 */
export function tryParseObject(text: string | Uint8Array): Record<string, unknown> | undefined {
  const value = tryParseJson(text);
  return isObject(value) ? value : undefined;
}

/** Tells whether a text is JSON. */
export function isJson(text: string): boolean {
  return tryParseJson(text) !== undefined;
}

/**
 * Types of JSON values, and readers for JSON with keys in any case.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";

const decoder = new TextDecoder();

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** JSON object. */
export type JsonObject = { [key: string]: Json };

/** Returns whether a value is a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Renames top-level keys to their exact spelling and drops unknown keys. Keys match in any case, as in
 * Go's JSON decoder.
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

/** Returns the names by their lower-case form, as {@link foldKeys} expects them. */
export function keyIndex(names: Iterable<string>): ReadonlyMap<string, string> {
  return new Map([...names].map((name) => [name.toLowerCase(), name]));
}

/**
 * Parses the JSON of a request.
 *
 * @param text body of the request
 * @throws `INVALID_REQUEST` if the text is not JSON
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
 * Returns the JSON of a value with parameters of a client. `JSON.parse` accepts any depth of nesting, but
 * `JSON.stringify` does not. A value made of several parts may also exceed the maximum length of a string.
 *
 * @param value value with parameters of a client
 * @throws `UNPROCESSABLE` if the value is nested too deeply, or is too long
 */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ServerledgeError("UNPROCESSABLE", "Params: nested too deeply or too large", {
      cause,
      details: { path: "Params" },
    });
  }
}

/**
 * Validates a value of a client against a schema.
 *
 * @param schema schema of the value
 * @param value value of the client
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
  // The message of an object schema about a missing key contains quotes and terms of the library.
  const message = issue.received === "undefined" ? "is required" : issue.message;
  throw new ServerledgeError("INVALID_REQUEST", path ? `${path}: ${message}` : message, {
    details: { path },
  });
}

/**
 * Parses a text that may not be JSON.
 *
 * @param text text, or bytes of UTF-8
 * @returns undefined if the text is not JSON
 */
export function tryParseJson(text: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof text === "string" ? text : decoder.decode(text));
  } catch {
    return undefined;
  }
}

/**
 * Parses a text that may not be a JSON object.
 *
 * @param text text, or bytes of UTF-8
 * @returns undefined if the text is not JSON, or not an object
 */
export function tryParseObject(text: string | Uint8Array): Record<string, unknown> | undefined {
  const value = tryParseJson(text);
  return isObject(value) ? value : undefined;
}

/** Returns whether a text is JSON. */
export function isJson(text: string): boolean {
  return tryParseJson(text) !== undefined;
}

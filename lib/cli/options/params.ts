/**
 * Reads the parameters of an invocation from a command line or a file.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { asWritten, parseNumbers } from "../../json/exact.ts";
import { isJson, isObject, type Json, type JsonObject } from "../../json/json.ts";

/** Help text: how parameters are written. */
export const paramsHelp: string =
  'A value is parsed as JSON if possible (5, true, null, [1,2], {"a":1}), otherwise it ' +
  `is text; 'id:"5"' is the text 5. The name ends at the first colon. One -p can set ` +
  "several parameters, separated by commas: a:1,b:2; a comma that is not followed by " +
  "NAME: belongs to the value.";

/**
 * Reads `name:value` parameters.
 *
 * @param items values of `-p`, each with one parameter or several, separated by commas
 * @throws `INVALID_REQUEST` for one without a name or without a colon
 */
export function readParams(items: readonly string[]): JsonObject {
  const params: JsonObject = {};
  for (const item of items) {
    for (const pair of splitPairs(item)) {
      const colon = pair.indexOf(":");
      if (colon < 1) {
        throw new ServerledgeError(
          "INVALID_REQUEST",
          `"${pair}" is not a parameter: use -p NAME:VALUE`,
        );
      }
      // Not an assignment: a parameter may well be called __proto__.
      Object.defineProperty(params, pair.slice(0, colon), {
        value: readValue(pair.slice(colon + 1)),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
  }
  return params;
}

/**
 * Reads a parameter file.
 *
 * @param text content of the file, which may begin with a byte order mark
 * @param origin name of the file, for the message
 * @throws `INVALID_REQUEST` if the text is not a JSON object, or contains a number that cannot be sent
 */
export function readParamsFile(text: string, origin: string): JsonObject {
  const bad = (reason: string, cause?: unknown) =>
    new ServerledgeError("INVALID_REQUEST", `${origin}: ${reason}`, { cause });
  const expected = "expected a JSON object of parameters by name";
  let value: unknown;
  try {
    value = parseNumbers(text.replace(/^\uFEFF/, ""), sendable);
  } catch (cause) {
    if (cause instanceof Unsendable) {
      throw bad(
        `a number exceeds the range of a double: write ${cause.message} as a string`,
        cause,
      );
    }
    throw bad(`${expected}: ${(cause as Error).message}`, cause);
  }
  // The placeholder of a number is an object, too.
  if (!isObject(value) || !text.includes("{")) throw bad(expected);
  return value as JsonObject;
}

/** Thrown for a number that nodes refuse. */
class Unsendable extends Error {}

/** Keeps the digits of a number; nodes refuse numbers beyond the range of doubles, except integers. */
function sendable(value: number, source: string): unknown {
  if (!Number.isFinite(value) && /[.eE]/.test(source)) throw new Unsendable(source.slice(0, 40));
  return asWritten(value, source);
}

function readValue(text: string): Json {
  const value = tryJson(text);
  return value === undefined ? text : value;
}

/** @returns undefined if the text is not JSON, or cannot be sent as JSON */
function tryJson(text: string): Json | undefined {
  try {
    return parseNumbers(text, sendable) as Json;
  } catch {
    return undefined;
  }
}

/** Splits at each comma that a `name:` follows, but not inside a JSON value. */
function splitPairs(item: string): string[] {
  const pieces = item.split(",");
  const pairs: string[] = [];
  let at = 0;
  while (at < pieces.length) {
    let end = jsonEnd(pieces, at);
    while (end < pieces.length && pieces[end]!.indexOf(":") < 1) end++;
    pairs.push(pieces.slice(at, end).join(","));
    at = end;
  }
  return pairs;
}

/** Returns the earliest end of the parameter that begins at a piece, as an index of pieces. */
function jsonEnd(pieces: readonly string[], at: number): number {
  const first = pieces[at]!;
  const begin = first.slice(first.indexOf(":") + 1).trimStart();
  if (/^[[{"]/.test(begin)) {
    for (let end = at + 1; end <= pieces.length; end++) {
      const text = pieces.slice(at, end).join(",");
      if (isJson(text.slice(text.indexOf(":") + 1))) return end;
    }
  }
  return at + 1;
}

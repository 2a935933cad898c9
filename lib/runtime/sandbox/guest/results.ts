/**
 * Outcomes of a function, as the node gets them.
 *
 * @module
 */

import { JsonText } from "./loader.ts";

/** Most characters of a failure's message and of its stack. */
const maxText = 1 << 20;

/** A failure as a reply carries it. */
export interface Failure {
  /** Class of what was thrown. */
  readonly type: string;
  readonly message: string;
  /** Its stack. */
  readonly traceback: string;
}

/**
 * JSON of a result. Bytes become base64, as an answer to HTTP wants it.
 *
 * @param value what the function returned
 * @throws what `JSON.stringify` throws
 */
export function encodeResult(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  let result: unknown = value;
  if (value instanceof Uint8Array) result = { statusCode: 200, body: value };
  const body = (result as { body?: unknown } | null | undefined)?.body;
  if (body instanceof Uint8Array) {
    result = { ...(result as object), body: body.toBase64(), isBase64Encoded: true };
  }
  return JSON.stringify(result) ?? "null";
}

/**
 * Describes what was thrown, whatever it is.
 *
 * @param thrown anything; its getters may throw
 * @param mapStack turns places in prepared code into places of the user's files
 */
export function describe(thrown: unknown, mapStack: (stack: string) => string): Failure {
  try {
    if (typeof thrown !== "object" || thrown === null || !("message" in thrown)) {
      return { type: typeof thrown, message: textOf(thrown).slice(0, maxText), traceback: "" };
    }
    const error = thrown as Error;
    return {
      type: String(error.name || error.constructor?.name || "Error").slice(0, 256),
      message: mapStack(String(error.message)).slice(0, maxText),
      traceback: mapStack(String(error.stack ?? "")).slice(0, maxText),
    };
  } catch {
    return { type: "Error", message: "something was thrown that cannot be shown", traceback: "" };
  }
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

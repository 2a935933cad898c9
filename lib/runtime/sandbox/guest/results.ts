/**
 * Results and failures of functions in the form in which the node receives them.
 *
 * @module
 */

import { JsonText } from "./loader.ts";

/** Maximum length of a failure's message and of its stack, characters. */
const maxText = 1 << 20;

/** Failure in a reply. */
export interface Failure {
  /** Class of the thrown value. */
  readonly type: string;
  readonly message: string;
  /** Stack trace. */
  readonly traceback: string;
}

/**
 * Encodes a result as JSON. Bytes become base64, as HTTP responses require.
 *
 * @param value returned by the function
 * @throws the errors of `JSON.stringify`
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
 * Describes any thrown value.
 *
 * @param thrown anything; its getters may throw
 * @param mapStack replaces positions in prepared code by positions in the user's files
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

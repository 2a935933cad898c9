/**
 * Calls of exports that take and give numbers: from a function's params to WebAssembly's numbers,
 * and from these to JSON.
 *
 * @module
 */

import { isObject, type Json } from "../../../model/json.ts";
import type { WasmNumberType, WasmSignature } from "../../../model/wasm_binary.ts";

/** Says that params are not the numbers that an export takes. */
export class ArgumentError extends Error {
  /** The class. */
  override readonly name = "ArgumentError";
}

/**
 * The arguments of a call.
 *
 * @param params the list under `args`, where there is one, else its values in their order; null is none
 * @param signature of the export
 * @throws {ArgumentError} where they are too few, too many, or no numbers
 */
export function toNumbers(params: Json, signature: WasmSignature): (number | bigint)[] {
  const types = signature.parameters;
  const list = isObject(params)
    ? Array.isArray(params.args) ? params.args : Object.values(params)
    : [];
  if (list.length !== types.length) {
    throw new ArgumentError(
      `the export takes ${types.length} numbers (${
        types.join(", ") || "none"
      }), and the params have ` +
        `${list.length}`,
    );
  }
  return list.map((value, at) => toNumber(value, types[at] as WasmNumberType, at));
}

/**
 * The JSON of what an export gave.
 *
 * @param result as JavaScript sees it: nothing, a number, or a list of numbers
 */
export function numbersToJson(result: unknown): string {
  if (Array.isArray(result)) return `[${result.map(numbersToJson).join()}]`;
  // JSON knows integers of any length, but neither infinities nor NaN.
  if (typeof result === "bigint") return String(result);
  return typeof result === "number" && Number.isFinite(result) ? String(result) : "null";
}

function toNumber(value: unknown, type: WasmNumberType, at: number): number | bigint {
  const given = typeof value === "boolean" ? Number(value) : value;
  const text = typeof given === "string" && given.trim() !== "";
  if (!text && typeof given !== "number") throw wrong(value, type, at);
  if (type === "i64") {
    try {
      // From the text, since JavaScript's numbers lose digits beyond 2^53.
      return BigInt(given);
    } catch {
      throw wrong(value, type, at);
    }
  }
  const number = Number(given);
  if (Number.isNaN(number) || (type === "i32" && !Number.isInteger(number))) {
    throw wrong(value, type, at);
  }
  return number;
}

function wrong(value: unknown, type: WasmNumberType, at: number): ArgumentError {
  return new ArgumentError(`argument ${at + 1} must be ${type}: it is ${JSON.stringify(value)}`);
}

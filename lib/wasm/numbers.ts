/**
 * Conversion between a function's params, WebAssembly numbers and JSON.
 *
 * @module
 */

import { asInteger, parseNumbers } from "../json/exact.ts";
import { isObject } from "../json/json.ts";
import type { WasmNumberType, WasmSignature } from "./binary.ts";

/** Error in the arguments of an export. */
export class ArgumentError extends Error {
  override readonly name = "ArgumentError";
}

/**
 * Reads the arguments of a call.
 *
 * @param json params of the call; the arguments are the list `args` if present, otherwise the values in
 *   order. Null if the call has no params
 * @param signature of the export
 * @throws {ArgumentError} if their number or types do not fit
 */
export function toNumbers(json: string, signature: WasmSignature): (number | bigint)[] {
  const types = signature.parameters;
  // Only numbers with at least 16 digits can lose digits.
  const params = /\d{16}/.test(json) ? parseNumbers(json, asInteger) : JSON.parse(json);
  const list = isObject(params)
    ? Array.isArray(params.args) ? params.args : Object.values(params)
    : [];
  if (list.length !== types.length) {
    throw new ArgumentError(
      `the export takes ${types.length} numbers (${types.join(", ") || "none"}), but the ` +
        `params have ${list.length}`,
    );
  }
  return list.map((value, at) => toNumber(value, types[at] as WasmNumberType, at));
}

/**
 * Converts the result of an export to JSON.
 *
 * @param result undefined, a number, or a list of numbers
 */
export function numbersToJson(result: unknown): string {
  if (Array.isArray(result)) return `[${result.map(numbersToJson).join()}]`;
  // JSON has integers of any length, but neither infinities nor NaN.
  if (typeof result === "bigint") return String(result);
  return typeof result === "number" && Number.isFinite(result) ? String(result) : "null";
}

function toNumber(value: unknown, type: WasmNumberType, at: number): number | bigint {
  const given = typeof value === "boolean" ? Number(value) : value;
  const isText = typeof given === "string" && given.trim() !== "";
  if (!isText && typeof given !== "number" && typeof given !== "bigint") {
    throw wrong(value, type, at);
  }
  const exact = exactly(given as string | number | bigint);
  if (type === "i32" || type === "i64") {
    if (exact === undefined) throw wrong(value, type, at);
    const bits = type === "i32" ? 32 : 64;
    // WebAssembly integers are signed or unsigned.
    if (exact < -(1n << BigInt(bits - 1)) || exact >= 1n << BigInt(bits)) {
      throw wrong(value, type, at, `which does not fit in ${bits} bits`);
    }
    return type === "i32" ? Number(exact) : exact;
  }
  const number = Number(given);
  if (Number.isNaN(number)) throw wrong(value, type, at);
  if (typeof given === "bigint" && BigInt(number) !== given) {
    throw wrong(value, type, at, "which a double cannot represent exactly");
  }
  return number;
}

/** @returns the integer; undefined if the value is no integer */
function exactly(given: string | number | bigint): bigint | undefined {
  try {
    // Integers are parsed from text, because doubles lose digits beyond 2^53.
    return BigInt(given);
  } catch {
    return typeof given === "string" && Number.isInteger(Number(given))
      ? BigInt(Number(given))
      : undefined;
  }
}

function wrong(value: unknown, type: WasmNumberType, at: number, why = ""): ArgumentError {
  const shown = typeof value === "bigint" ? String(value) : JSON.stringify(value);
  const reason = why ? `, ${why}` : "";
  return new ArgumentError(
    `argument ${at + 1} must be ${type}: current value is ${shown}${reason}`,
  );
}

/**
 * Readers for query parameters.
 *
 * @module
 */

import type { Context } from "hono";
import { ServerledgeError } from "../base/errors.ts";

/**
 * Reads a boolean parameter.
 *
 * @param context context of the request
 * @param name name of the parameter; a missing parameter is false, one without a value is true
 * @throws `INVALID_REQUEST`
 */
export function queryFlag(context: Context, name: string): boolean {
  const value = context.req.query(name);
  if (value === undefined || value === "false") return false;
  if (value === "" || value === "true") return true;
  throw invalid(name, `expected true or false, current value is ${value}`);
}

/**
 * Reads an integer parameter.
 *
 * @param context context of the request
 * @param name name of the parameter
 * @param range value of a missing parameter, and limits
 * @throws `INVALID_REQUEST`
 */
export function queryInteger(
  context: Context,
  name: string,
  range: { fallback: number; min: number; max: number },
): number {
  const value = context.req.query(name);
  if (value === undefined) return range.fallback;
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= range.min && number <= range.max) return number;
  throw invalid(name, `expected ${range.min} to ${range.max}, current value is ${value}`);
}

function invalid(path: string, problem: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", `${path}: ${problem}`, { details: { path } });
}

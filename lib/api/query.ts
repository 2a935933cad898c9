/**
 * Parameters in the query of a request.
 *
 * @module
 */

import type { Context } from "hono";
import { ServerledgeError } from "../base/errors.ts";

/**
 * Reads a parameter that is true or false.
 *
 * @param context the request
 * @param name the parameter; absent means false, without a value true
 * @throws `INVALID_REQUEST`
 */
export function queryFlag(context: Context, name: string): boolean {
  const value = context.req.query(name);
  if (value === undefined || value === "false") return false;
  if (value === "" || value === "true") return true;
  throw invalid(name, `expected true or false, current value is ${value}`);
}

/**
 * Reads a parameter that is a whole number.
 *
 * @param context the request
 * @param range its value if absent, and its bounds
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

/**
 * How records are written into a registry's values, and read back with suspicion.
 *
 * @module
 */

import * as v from "valibot";
import { logger } from "../base/log.ts";

/**
 * Reads a stored value.
 *
 * @param schema what it must be
 * @param text JSON, as it was stored
 * @param key where it was found, for the log
 * @returns undefined, and a warning in the log, for a value that is not what it must be
 */
export function readRecord<S extends v.GenericSchema>(
  schema: S,
  text: string,
  key: string,
): v.InferOutput<S> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    logger("registry").warn("Skipped {key}: its value is not JSON", { key });
    return undefined;
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  logger("registry").warn("Skipped {key}: {path}: {message}", {
    key,
    path: v.getDotPath(issue) ?? "value",
    message: issue.message,
  });
  return undefined;
}

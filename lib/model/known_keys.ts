/**
 * Schemas of objects in files of users; a misspelt key is reported with the likely one.
 *
 * @module
 */

import * as v from "valibot";
import { nearest } from "../base/nearest.ts";

/** Returns the message of an issue. */
type Wording = (issue: v.StrictObjectIssue) => string;

/** Makes a schema of an object that allows only the given keys. */
export function knownKeys<const E extends v.ObjectEntries>(
  entries: E,
): v.StrictObjectSchema<E, Wording> {
  return v.strictObject(entries, ({ expected, input, message }) => {
    if (expected !== "never") return message;
    const near = nearest(String(input), Object.keys(entries));
    return near === undefined ? "unknown key" : `unknown key; did you mean ${near}?`;
  });
}

/**
 * Objects of files that people write: a misspelt key is reported with the likely one.
 *
 * @module
 */

import * as v from "valibot";
import { nearest } from "../base/nearest.ts";

/** Words an issue of an object. */
type Wording = (issue: v.StrictObjectIssue) => string;

/** A schema of an object that has no other keys than these. */
export function knownKeys<const E extends v.ObjectEntries>(
  entries: E,
): v.StrictObjectSchema<E, Wording> {
  return v.strictObject(entries, ({ expected, input, message }) => {
    if (expected !== "never") return message;
    const near = nearest(String(input), Object.keys(entries));
    return near === undefined ? "unknown key" : `unknown key; did you mean ${near}?`;
  });
}

/**
 * Reader for long objects with one very long string. The string is extracted in its quoted form, and
 * only the rest is parsed.
 *
 * @module
 */

import { inSlices, sliceBytes } from "../base/slices.ts";
import { QuotedText } from "./quoted.ts";
import { JsonScan } from "./scan.ts";

/** Maximum number of values in an object. Each takes several dozen bytes after parsing. */
const maxValues = 10_000;
const quote = 0x22;
const decoder = new TextDecoder();

/** Error for an object whose rest, without its long string, exceeds a limit. */
export class RestTooLong extends Error {
  /** The class, for logs. */
  override readonly name = "RestTooLong";
}

/** Object and its long string, separated. */
export interface Lifted {
  /** JSON of the object, with an empty string instead of the long one. */
  readonly rest: string;
  /** Long string; undefined if the object has no string of that name. */
  readonly text: QuotedText | undefined;
}

/**
 * Extracts a string from an object, in slices.
 *
 * @param json UTF-8; must not change afterwards
 * @param name name of the member with the string
 * @param maxRest maximum length of the rest, bytes
 * @param isExact false if the name may be spelled in any case
 * @throws {JsonScanError} if the text is not JSON; {RestTooLong} if the rest is too long, or the object
 *   has too many values
 */
export async function liftText(
  json: Uint8Array<ArrayBuffer>,
  name: string,
  maxRest: number,
  isExact = true,
): Promise<Lifted> {
  const scan = new JsonScan(json, [name], isExact);
  await inSlices(() => {
    const isDone = scan.advance(sliceBytes);
    if (scan.values > maxValues) throw new RestTooLong(`It has more than ${maxValues} values`);
    return isDone;
  });
  const member = scan.member(0);
  const isText = member !== undefined && json[member.start] === quote;
  const { start, end } = isText ? member : { start: 0, end: 0 };
  const length = json.length - (end - start);
  if (length > maxRest) {
    throw new RestTooLong(
      `The fields other than ${name} have ${length} bytes, more than ${maxRest}`,
    );
  }
  const before = decoder.decode(json.subarray(0, start));
  const after = decoder.decode(json.subarray(end));
  if (!isText) return { rest: after, text: undefined };
  return { rest: `${before}""${after}`, text: new QuotedText(json.subarray(start, end)) };
}

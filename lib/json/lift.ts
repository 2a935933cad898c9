/**
 * Reading of long objects of which one string may be very long: that is lifted out as it was written,
 * and only the rest is parsed.
 *
 * @module
 */

import { inSlices, sliceBytes } from "../base/slices.ts";
import { QuotedText } from "./quoted.ts";
import { JsonScan } from "./scan.ts";

/** Most values in an object: each is an object of some dozen bytes once it is parsed. */
const maxValues = 10_000;
const quote = 0x22;
const decoder = new TextDecoder();

/** An object has more in addition to its long string than is parsed at once. */
export class RestTooLong extends Error {
  /** The class. */
  override readonly name = "RestTooLong";
}

/** An object without its long string. */
export interface Lifted {
  /** JSON of the object, an empty string in place of the long one. */
  readonly rest: string;
  /** The long string; undefined where there is none under that name. */
  readonly text: QuotedText | undefined;
}

/**
 * Lifts a string out of an object, in slices.
 *
 * @param json UTF-8; must not change afterwards
 * @param name of the string's member
 * @param maxRest most bytes of the rest, which is parsed at once
 * @param isExact false if the name may be spelled in any case
 * @throws {JsonScanError} where it is not JSON; {RestTooLong} where its rest is too long, or has too
 *   many values
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
    throw new RestTooLong(`${length} bytes in addition to ${name} are more than ${maxRest}`);
  }
  const before = decoder.decode(json.subarray(0, start));
  const after = decoder.decode(json.subarray(end));
  if (!isText) return { rest: after, text: undefined };
  return { rest: `${before}""${after}`, text: new QuotedText(json.subarray(start, end)) };
}

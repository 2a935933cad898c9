/**
 * HTTP responses for long results of functions, which are scanned and unquoted in slices and never
 * parsed as a whole.
 *
 * @module
 */

import type { ReserveMemory } from "../../base/reserve_memory.ts";
import { decodeBase64 } from "../../base/base64.ts";
import { inSlices, sliceBytes } from "../../base/slices.ts";
import type { KnownResponse } from "../../http/server/web.ts";
import { QuotedText } from "../../json/quoted.ts";
import { JsonScan } from "../../json/scan.ts";
import { JsonScanError } from "../../json/tokens.ts";
import { explicitAnswer, invalid, isAnswer, jsonAnswer, notBase64, plain } from "./http_event.ts";

/** Members of an explicit response. */
const names = ["statusCode", "headers", "body", "isBase64Encoded"] as const;
const body = names.indexOf("body");
/** Maximum length of each other member, bytes. The limits for heads of responses may be lower. */
const maxMemberBytes = 1 << 17;
const quote = 0x22;
const decoder = new TextDecoder();

/**
 * Returns the response for the result of a handler, like {@link toHttpAnswer} for short results.
 *
 * @param result JSON text of the result
 * @param reserve reserves the memory of the response and of intermediate data
 * @throws `FUNCTION_ERROR` if the function returned an invalid response
 */
export async function toLongHttpAnswer(
  result: QuotedText,
  reserve: ReserveMemory,
): Promise<KnownResponse> {
  reserve(result.length);
  const json = await result.unquoted();
  const scan = await scanned(json);
  if (!scan) return plain(json);
  if (scan.isObject) {
    const value = smallMembers(json, scan);
    if (isAnswer(value)) return explicitAnswer(value, await bodyOf(json, scan, value, reserve));
    return jsonAnswer(json);
  }
  const first = json.findIndex((byte) => byte > 0x20);
  if (json[first] !== quote) return jsonAnswer(json);
  const text = new QuotedText(json.subarray(first, json.lastIndexOf(quote) + 1));
  reserve(text.length);
  return plain(await text.unquoted());
}

/** Scans a result. @returns undefined if it is not JSON, as custom images may return any text */
async function scanned(json: Uint8Array): Promise<JsonScan | undefined> {
  const scan = new JsonScan(json, names, true);
  try {
    await inSlices(() => scan.advance(sliceBytes));
    return scan;
  } catch (error) {
    if (error instanceof JsonScanError) return undefined;
    throw error;
  }
}

/** Returns the members of a response, with an empty string instead of the body. */
function smallMembers(json: Uint8Array, scan: JsonScan): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [place, name] of names.entries()) {
    const member = scan.member(place);
    if (!member) continue;
    const { start, end } = member;
    if (place === body) value.body = "";
    else if (end - start > maxMemberBytes) value[name] = tooLong;
    else value[name] = JSON.parse(decoder.decode(json.subarray(start, end)));
  }
  if (isAnswer(value)) {
    const long = names.find((name) => value[name] === tooLong);
    if (long) throw invalid(long, `longer than ${maxMemberBytes} bytes`);
  }
  return value;
}

const tooLong = Symbol("too long");

async function bodyOf(
  json: Uint8Array<ArrayBuffer>,
  scan: JsonScan,
  { isBase64Encoded }: Record<string, unknown>,
  reserve: ReserveMemory,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; kind: "binary" | "json" | "text" }> {
  const member = scan.member(body);
  const value = member ? json.subarray(member.start, member.end) : new Uint8Array();
  if (!member || decoder.decode(value.subarray(0, 4)) === "null") {
    return { bytes: new Uint8Array(), kind: isBase64Encoded === true ? "binary" : "text" };
  }
  if (value[0] !== quote) return { bytes: value, kind: "json" };
  reserve(value.length);
  const text = await new QuotedText(value).unquoted();
  if (isBase64Encoded !== true) return { bytes: text, kind: "text" };
  reserve(text.length);
  try {
    return { bytes: await decodeBase64(text), kind: "binary" };
  } catch (cause) {
    if (cause instanceof SyntaxError) throw notBase64();
    throw cause;
  }
}

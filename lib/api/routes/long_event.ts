/**
 * HTTP events with long bodies, which are quoted or encoded in slices.
 *
 * @module
 */

import { concatBytes } from "../../base/bytes.ts";
import { encodeBase64 } from "../../base/base64.ts";
import { quoteText } from "../../json/quote.ts";
import type { RawHttpRequest } from "../../model/raw_http.ts";
import type { RawJson } from "../../model/params.ts";
import { eventHead, isTextType } from "./http_event.ts";

const encoder = new TextEncoder();

/** Returns the JSON of an event with a long body, like {@link toHttpEvent} for short ones. */
export async function longHttpEvent(request: RawHttpRequest): Promise<RawJson> {
  const head = eventHead(request);
  const text = isTextType(head) ? await quoteText(request.body) : undefined;
  const body = text ?? [await encodeBase64(request.body)];
  return concatBytes([
    encoder.encode(`${JSON.stringify(head).slice(0, -1)},"body":"`),
    ...body,
    encoder.encode(`","isBase64Encoded":${text === undefined}}`),
  ]);
}

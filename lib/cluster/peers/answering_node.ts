/**
 * Who answers a health check: an address may be another node's by now, or one that means another
 * machine here than where it was registered.
 *
 * @module
 */

import * as v from "valibot";
import { tryParseJson } from "../../json/json.ts";

const schema = v.object({ Node: v.string() });

/**
 * The id in an answer of `GET /healthz`.
 *
 * @param body of the answer
 * @returns undefined if it names none, as nodes of other versions
 */
export function answeringNode(body: Uint8Array | string): string | undefined {
  const answer = v.safeParse(schema, tryParseJson(body));
  return answer.success ? answer.output.Node : undefined;
}

/**
 * Identifies the node that responds to a health check: its address may belong to another node by
 * now, or mean another machine here than where it was registered.
 *
 * @module
 */

import * as v from "valibot";
import { tryParseJson } from "../../json/json.ts";

const schema = v.object({ Node: v.string() });

/**
 * Returns the node id in a response of `GET /healthz`.
 *
 * @returns undefined if it has none, as with older versions
 */
export function respondingNode(body: Uint8Array | string): string | undefined {
  const response = v.safeParse(schema, tryParseJson(body));
  return response.success ? response.output.Node : undefined;
}

/**
 * Who answers a health check: an address may be another node's by now, or one that means another
 * machine here than where it was registered.
 *
 * @module
 */

import * as v from "valibot";

const schema = v.object({ Node: v.string() });

/**
 * The id in an answer of `GET /healthz`.
 *
 * @param body of the answer
 * @returns undefined if it names none, as nodes of other versions
 */
export function answeringNode(body: Uint8Array | string): string | undefined {
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  try {
    const answer = v.safeParse(schema, JSON.parse(text));
    return answer.success ? answer.output.Node : undefined;
  } catch {
    return undefined;
  }
}

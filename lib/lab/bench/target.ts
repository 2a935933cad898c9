/**
 * Checks what a load is about to be sent to, so that nobody loads a stranger by mistake.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { isObject } from "../../json/json.ts";
import type { RequestKind } from "../load/plan.ts";
import { isBalancerStatus } from "../../cli/view/balancer.ts";
import { NodeClient } from "../../cli/client/client.ts";
import { authority, type Endpoint } from "../../cli/client/endpoint.ts";
import type { Globals } from "../../cli/options/options.ts";
import { traceOf } from "../../cli/client/session.ts";
import type { Terminal } from "../../cli/terminal.ts";

/**
 * Checks that a node or a balancer listens and knows the functions.
 *
 * @param endpoint where it should
 * @param kinds what is to be invoked there
 * @throws `UNPROCESSABLE` if it is something else, `FUNCTION_UNKNOWN`, or why it did not answer
 */
export async function checkTarget(
  endpoint: Endpoint,
  kinds: readonly RequestKind[],
  globals: Pick<Globals, "verbose">,
  terminal: Terminal,
): Promise<void> {
  using client = new NodeClient(endpoint, traceOf(globals, terminal));
  const status = await answerOf(client, "/status");
  if (!isNodeStatus(status) && !isBalancerStatus(status)) {
    throw new ServerledgeError(
      "UNPROCESSABLE",
      `${authority(endpoint)} does not answer GET /status as a node or a balancer does: name ` +
        "anything else with --url, or say --plain",
    );
  }
  const names = await answerOf(client, "/function");
  if (!Array.isArray(names)) return;
  const missing = kinds.find((kind) => !names.includes(kind.function));
  if (missing) {
    throw new ServerledgeError(
      "FUNCTION_UNKNOWN",
      `${authority(endpoint)} knows no function ${missing.function}: see serverledge list`,
    );
  }
}

/** @returns undefined where another kind of server refuses */
async function answerOf(client: NodeClient, path: string): Promise<unknown> {
  try {
    return (await client.get(path)).json;
  } catch (error) {
    const { code } = error as Partial<ServerledgeError>;
    if (code === "PEER_UNREACHABLE" || code === "DEADLINE_EXCEEDED") throw error;
    return undefined;
  }
}

/** Fields that nodes have had from the first version on. */
function isNodeStatus(status: unknown): boolean {
  return isObject(status) && "AvailableWarmContainers" in status && "Coordinates" in status;
}

/**
 * Check of the target before a load test, so that no other server is loaded by mistake.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { isObject } from "../../json/json.ts";
import type { RequestKind } from "../load/plan.ts";
import { isBalancerStatus } from "../../cli/view/balancer.ts";
import type { NodeClient } from "../../cli/client/client.ts";
import { authority, type Endpoint } from "../../cli/client/endpoint.ts";
import type { Globals } from "../../cli/options/options.ts";
import { clientOf } from "../../cli/client/session.ts";
import type { Terminal } from "../../cli/terminal.ts";

/**
 * Checks that a node or a balancer listens at an endpoint and has the functions.
 *
 * @throws `UNPROCESSABLE` if it is another server, `FUNCTION_UNKNOWN`, or the error of the connection
 */
export async function checkTarget(
  endpoint: Endpoint,
  kinds: readonly RequestKind[],
  globals: Pick<Globals, "verbose" | "ca">,
  terminal: Terminal,
): Promise<void> {
  using client = clientOf(endpoint, globals, terminal);
  const status = await responseOf(client, "/status");
  // A key may permit invocations only.
  const isRecognized = isNodeStatus(status) || isBalancerStatus(status) ||
    isKeyAnswer(await responseOf(client, "/key"));
  if (!isRecognized) {
    throw new ServerledgeError(
      "UNPROCESSABLE",
      `${authority(endpoint)} does not respond to GET /status like a node or a load ` +
        "balancer: use --url for another server, or --plain",
    );
  }
  const names = await responseOf(client, "/function");
  if (!Array.isArray(names)) return;
  const missing = kinds.find((kind) => !names.includes(kind.function));
  if (missing) {
    throw new ServerledgeError(
      "FUNCTION_UNKNOWN",
      `${authority(endpoint)} has no function "${missing.function}": see serverledge list`,
    );
  }
}

/** @returns undefined if another kind of server refuses the request */
async function responseOf(client: NodeClient, path: string): Promise<unknown> {
  try {
    return (await client.get(path)).json;
  } catch (error) {
    const { code } = error as Partial<ServerledgeError>;
    const isFinal = ["PEER_UNREACHABLE", "DEADLINE_EXCEEDED", "UNAUTHORIZED"].includes(code ?? "");
    if (isFinal) throw error;
    return undefined;
  }
}

function isKeyAnswer(answer: unknown): boolean {
  return isObject(answer) && typeof answer.Required === "boolean";
}

/** Checks fields that nodes of all versions have. */
function isNodeStatus(status: unknown): boolean {
  return isObject(status) && "AvailableWarmContainers" in status && "Coordinates" in status;
}

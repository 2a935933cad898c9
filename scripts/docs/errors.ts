/**
 * The reference of error codes.
 *
 * @module
 */

import { type ErrorCode, errorCodes, exitStatus, ServerledgeError } from "../../lib/base/errors.ts";
import { code, stack, table } from "./markdown.ts";

/** The page. */
export function errorsPage(): string {
  return stack(
    "# Errors",
    "A response that reports an error is a JSON object with its `code` and a `message` of one sentence that says what failed, why, and what to do. " +
      "Details follow where there are any, such as the `path` of a field, or `traceback` and `output` of a function. Programs should decide by the code: messages change. " +
      "A `429` has the header `Retry-After`. There are no other codes than these.",
    "With a code marked as *may go elsewhere*, the request has surely not started, so a node or balancer may send it to another node. " +
      "The last column is the [exit status of the command line](command-line.md#exit-statuses).",
    table(
      ["code", "HTTP status", "meaning", "may go elsewhere", "exit status"],
      errorCodes.map((name) => {
        const { status, elsewhere } = new ServerledgeError(name, "");
        return [
          code(name),
          String(status),
          meanings[name],
          elsewhere ? "yes" : "",
          String(exitStatus(name)),
        ];
      }),
    ),
  );
}

/** When each code is used. */
const meanings: Readonly<Record<ErrorCode, string>> = {
  CONFIG_INVALID: "A key of the configuration, a policy or the node's folder cannot be used.",
  INVALID_REQUEST: "The request or the command line is malformed.",
  UNAUTHORIZED:
    "The request has no valid key, or claims to come from a node but is not signed with this cluster's secret.",
  FORBIDDEN:
    "The key does not permit it, a web page of another origin sent it, or its data must not be in this area.",
  ROUTE_UNKNOWN: "The API has no such path.",
  FUNCTION_UNKNOWN: "There is no such function.",
  KEY_UNKNOWN: "There is no key of that name.",
  RUNTIME_UNKNOWN: "The node has no such runtime, or no image for it.",
  RESULT_UNKNOWN: "No asynchronous invocation has that id, or its result has expired.",
  METHOD_NOT_ALLOWED: "The path takes other methods, which the header `Allow` lists.",
  FUNCTION_EXISTS: "A function of that name exists already.",
  KEY_EXISTS: "A key of that name exists already.",
  REQUEST_REPEATED: "The node has already taken a request with that id.",
  PAYLOAD_TOO_LARGE: "The body, the code or its unpacked files are larger than the node allows.",
  UNPROCESSABLE: "The request is well-formed, but a value in it cannot be used.",
  QUOTA_EXCEEDED:
    "A quota of the key is used up, which the message names, or too many invalid keys were sent.",
  NODE_SATURATED: "The node has no room for it now; `Retry-After` says when to try again.",
  NO_SUITABLE_NODE: "The policy found no node that may and can run it now.",
  CANCELLED: "The client disconnected before the response.",
  FUNCTION_ERROR: "The function failed, or its code or its result cannot be used.",
  FUNCTION_DAMAGED: "The function's record in the registry cannot be read.",
  INTERNAL: "A defect of the node, which its log describes.",
  FUNCTION_CRASHED: "The instance ended during the call, for example because it ran out of memory.",
  INSTANCE_START_FAILED: "No instance of the function could be started.",
  PEER_UNREACHABLE: "Another node, or the one that the command line asks, does not answer.",
  PEER_DECLINED: "Another node refused the request before it began.",
  ENGINE_REFUSED: "The Docker engine refused an operation, such as pulling an image.",
  STORAGE_FULL: "The disk has no space for the function's code.",
  ENGINE_UNAVAILABLE: "The Docker engine does not answer.",
  REGISTRY_UNAVAILABLE: "The registry does not answer.",
  SHUTTING_DOWN: "The node is stopping.",
  DEADLINE_EXCEEDED: "The time to wait or to run was up.",
};

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
  CONFIG_INVALID: "A configuration key, a policy or the node's directory is invalid.",
  INVALID_REQUEST: "The request or the command line is malformed.",
  UNAUTHORIZED:
    "The request has no valid key, or claims to come from a node but is not signed with this cluster's secret.",
  FORBIDDEN:
    "The key does not permit the request, a web page of another origin sent it, or its locality excludes this area.",
  ROUTE_UNKNOWN: "The API has no such route.",
  FUNCTION_UNKNOWN: "There is no such function.",
  KEY_UNKNOWN: "There is no key with this name.",
  RUNTIME_UNKNOWN: "The node has no such runtime, or no image for it.",
  RESULT_UNKNOWN:
    "No asynchronous invocation has this id, or its result has expired or is damaged.",
  METHOD_NOT_ALLOWED:
    "The route does not allow this method; the header `Allow` lists the allowed ones.",
  FUNCTION_EXISTS: "A function with this name already exists.",
  SECRET_UNKNOWN: "There is no secret with this name.",
  SECRET_IN_USE: "Functions use the secret, so it is only deleted with `force`.",
  KEY_EXISTS: "A key with this name already exists.",
  REQUEST_REPEATED: "The node has already received a request with this id.",
  PAYLOAD_TOO_LARGE: "The body, the code or its unpacked files are larger than the node allows.",
  UNPROCESSABLE: "The request is well-formed, but one of its values is invalid.",
  QUOTA_EXCEEDED:
    "A quota of the key, which the message names, is used up, or too many invalid keys were sent.",
  NODE_SATURATED:
    "The node has no capacity for the request now; `Retry-After` says when to try again.",
  NO_SUITABLE_NODE: "The policy found no node that can run the request now.",
  CANCELLED: "The client disconnected before the response.",
  FUNCTION_ERROR: "The function failed, or its code or its result is invalid.",
  FUNCTION_DAMAGED: "The function's record in the registry cannot be read.",
  INTERNAL: "A defect of the node; see its log for details.",
  FUNCTION_CRASHED:
    "The instance terminated during the invocation, for example because it ran out of memory.",
  INSTANCE_START_FAILED: "No instance of the function could be started.",
  PEER_UNREACHABLE:
    "Another node, or the node that the command line connects to, does not respond.",
  PEER_DECLINED: "Another node rejected the request before it started.",
  ENGINE_REFUSED: "The Docker engine refused an operation, such as pulling an image.",
  STORAGE_FULL: "The disk has no space for the function's code.",
  ENGINE_UNAVAILABLE: "The Docker engine does not respond.",
  ISSUER_UNAVAILABLE:
    "The key that signed the token is unknown, and the identity provider's keys cannot be read now.",
  REGISTRY_UNAVAILABLE: "The registry does not respond.",
  SHUTTING_DOWN: "The node is shutting down.",
  DEADLINE_EXCEEDED: "The request exceeded its deadline or its execution timeout.",
};

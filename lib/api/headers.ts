/**
 * Headers of responses: JSON, and the state of the node for load balancers.
 *
 * @module
 */

import type { HeaderPair } from "../http/head.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { KnownResponse } from "../http/server/web.ts";
import type { ApiServices } from "./services.ts";

/** Content type of every JSON response, in the spelling of the Go node. */
export const jsonType: HeaderPair = ["content-type", "application/json; charset=UTF-8"];

/** Header that lets load balancers match responses to their requests. */
const balancerRequestId = "serverledge-mab-request-id";

/**
 * Returns a JSON response. It ends with a newline, like those of the Go node.
 *
 * @param value value of the body
 * @param status HTTP status
 * @param headers all headers, including the content type
 */
export function jsonAnswer(
  value: unknown,
  status = 200,
  headers: readonly HeaderPair[] = [jsonType],
): KnownResponse {
  return new KnownResponse(`${JSON.stringify(value)}\n`, status, headers);
}

/**
 * Creates the headers of responses to invocations, which report the state of the node to load balancers.
 * They are rebuilt only when the state or the second has changed, since this is the hot path.
 *
 * @param wall returns the time of the wall clock, ms
 * @returns function that returns all headers of the JSON response to a request
 */
export function nodeHeaders(
  services: Pick<ApiServices, "node" | "free">,
  wall: () => number = Date.now,
): (request: Pick<IncomingRequest, "headers">) => readonly HeaderPair[] {
  let memory = NaN;
  let cores = NaN;
  let second = NaN;
  let headers: readonly HeaderPair[] = [];
  return (request) => {
    const { memoryMib, cpu } = services.free();
    const now = Math.floor(wall() / 1000);
    if (memoryMib !== memory || cpu !== cores || now !== second) {
      [memory, cores, second] = [memoryMib, cpu, now];
      headers = [
        ["serverledge-node-name", services.node.id],
        ...resourcePairs({ memoryMib, cpu }),
        ["serverledge-timestamp", String(now)],
        ["serverledge-node-arch", services.node.architecture],
        jsonType,
      ];
    }
    const id = request.headers.get(balancerRequestId);
    return id === null ? headers : [...headers, [balancerRequestId, id]];
  };
}

/**
 * Returns the headers that report the free resources of a node.
 *
 * @param free memory that is available to instances, MiB, and CPU that no busy instance uses
 */
export function resourcePairs(
  { memoryMib, cpu }: { readonly memoryMib: number; readonly cpu: number },
): HeaderPair[] {
  return [
    ["serverledge-free-mem", String(memoryMib)],
    ["serverledge-free-cpu", cpu.toFixed(6)],
  ];
}

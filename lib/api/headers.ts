/**
 * Headers of answers: JSON, and the node's state for load balancers.
 *
 * @module
 */

import type { HeaderPair } from "../http/head.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { KnownResponse } from "../http/server/web.ts";
import type { ApiServices } from "./services.ts";

/** Content type of every JSON answer, spelled as the Go node spells it. */
export const jsonType: HeaderPair = ["content-type", "application/json; charset=UTF-8"];

/** Header by which load balancers recognise the answers to their requests. */
const balancerRequestId = "serverledge-mab-request-id";

/**
 * A JSON answer; ends with a newline, as those of the Go node.
 *
 * @param value what to send
 * @param status HTTP status
 * @param headers all headers, the content type included
 */
export function jsonAnswer(
  value: unknown,
  status = 200,
  headers: readonly HeaderPair[] = [jsonType],
): KnownResponse {
  return new KnownResponse(`${JSON.stringify(value)}\n`, status, headers);
}

/**
 * Makes the headers of answers to invocations, from which load balancers learn the node's state.
 * They are rebuilt only when the state or the second has changed, since this is the hot path.
 *
 * @param wall reads the wall clock, ms
 * @returns a function from a request to all headers of its answer, which is JSON
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
 * Headers that tell what a node has free.
 *
 * @param free memory that instances can take and CPU that no busy one holds
 */
export function resourcePairs(
  { memoryMib, cpu }: { readonly memoryMib: number; readonly cpu: number },
): HeaderPair[] {
  return [
    ["serverledge-free-mem", String(memoryMib)],
    ["serverledge-free-cpu", cpu.toFixed(6)],
  ];
}

/**
 * What a node tells of its resources with every answer to an invocation, as HTTP headers (those of
 * the Go node).
 *
 * @module
 */

import type { HeaderPair } from "../../http/head.ts";

/** Resources of a node, as it last told. */
export interface Resources {
  /** Memory that instances can take, MiB. */
  readonly freeMemoryMib: number;
  /** CPU that no busy instance holds, cores. */
  readonly freeCpu: number;
}

/**
 * Reads what a node tells of its resources.
 *
 * @param headers of its answer, names in lower case
 * @returns undefined if it tells nothing, or what cannot be
 */
export function resourcesIn(headers: readonly HeaderPair[]): Resources | undefined {
  const number = (name: string) => Number(headers.find(([each]) => each === name)?.[1] ?? NaN);
  const freeMemoryMib = number("serverledge-free-mem");
  const freeCpu = number("serverledge-free-cpu");
  return isAmount(freeMemoryMib) && isAmount(freeCpu) ? { freeMemoryMib, freeCpu } : undefined;
}

function isAmount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

/**
 * Resources of a node that it reports with every response to an invocation, as HTTP headers (the
 * same as in the Go node).
 *
 * @module
 */

import type { HeaderPair } from "../../http/head.ts";

/** Resources that a node reported. */
export interface Resources {
  /** Memory available for instances, MiB. */
  readonly freeMemoryMib: number;
  /** CPU not used by busy instances, cores. */
  readonly freeCpu: number;
}

/**
 * Reads the resources that a node reports.
 *
 * @param headers of its response, names in lower case
 * @returns undefined if they are missing or invalid
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

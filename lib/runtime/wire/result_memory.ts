/**
 * Memory of results while they are received.
 *
 * @module
 */

import type { MemoryReservation } from "../../base/reserve_memory.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { Reply } from "../environment.ts";

/** Memory for results. */
export interface ResultMemory {
  /** Maximum length of a result, as quoted JSON. */
  readonly maxBytes: number;
  /**
   * Reserves memory for a long result before it is read.
   *
   * @param bytes length of the result, as far as it is known; 0 if unknown
   * @throws `FUNCTION_ERROR` if too little is free
   */
  take(bytes: number): MemoryReservation;
}

/** Tells whether an error was thrown by {@link ResultMemory.take}. */
export function isRefusal(thrown: unknown): thrown is ServerledgeError {
  return thrown instanceof ServerledgeError && thrown.code === "FUNCTION_ERROR";
}

/**
 * Creates the reply for a result without memory. The call fails; the instance remains usable.
 *
 * @param refusal error that {@link ResultMemory.take} threw
 */
export function refusedResult({ message }: ServerledgeError): Reply {
  return { ok: false, failure: { type: "NoRoomForResult", message, traceback: "" }, output: "" };
}

/**
 * How much results of functions may take on their way in.
 *
 * @module
 */

import type { MemoryReservation } from "../../base/reserve_memory.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { Reply } from "../environment.ts";

/** What results may take. */
export interface ResultRoom {
  /** Longest result that is taken, in JSON and quoted. */
  readonly maxBytes: number;
  /**
   * Books memory for a long result before it is read.
   *
   * @param bytes its length, as far as it is known
   * @throws `FUNCTION_ERROR` where there is no room
   */
  take(bytes: number): MemoryReservation;
}

/** Tells whether {@link ResultRoom.take} has thrown. */
export function isRefusal(thrown: unknown): thrown is ServerledgeError {
  return thrown instanceof ServerledgeError && thrown.code === "FUNCTION_ERROR";
}

/**
 * What stands for a result for which there is no room: its call has failed, its instance is unharmed.
 *
 * @param refusal what {@link ResultRoom.take} threw
 */
export function refusedResult({ message }: ServerledgeError): Reply {
  return { ok: false, failure: { type: "NoRoomForResult", message, traceback: "" }, output: "" };
}

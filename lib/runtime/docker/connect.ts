/**
 * Start of a container with an executor, until the executor is ready.
 *
 * @module
 */

import { abortable } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { ExecutorConnection } from "../wire/channel.ts";
import type { Container } from "./container/container.ts";
import { endedEarly } from "./container/early_end.ts";

/** Time limit for an executor's hello, ms; slow boards under load need seconds. */
const helloTimeoutMs = 30_000;

/**
 * Starts a container and waits for its executor's hello, which may arrive before the engine reports
 * that the container runs.
 *
 * @param container the created container
 * @param connected resolves when the hello has arrived
 * @throws the signal's reason, or the reason why no hello arrived
 */
export async function startAndConnect(
  container: Container,
  memoryMib: number,
  connected: Promise<ExecutorConnection>,
  signal: AbortSignal,
): Promise<ExecutorConnection> {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(tooLate()), helloTimeoutMs);
  let waiting = true;
  container.start().then(() => container.exited()).then(async (exit) => {
    if (waiting) reject(await endedEarly(container, memoryMib, exit, "before it was ready"));
  }, reject);
  try {
    return await abortable(Promise.race([connected, failed]), signal);
  } finally {
    waiting = false;
    clearTimeout(timer);
  }
}

function tooLate(): ServerledgeError {
  return new ServerledgeError(
    "INSTANCE_START_FAILED",
    `The executor was not ready within ${helloTimeoutMs / 1000} s`,
  );
}

/**
 * The contract of a keep-alive policy: how long instances of a function that rests are kept, and when
 * one is started again ahead of the next request. A policy decides; the janitor carries it out.
 *
 * @module
 */

/**
 * What is done with the instances of a function that rests, in times since its last call ended (the
 * windows of Shahrad et al., "Serverless in the Wild", USENIX ATC 2020, section 4).
 */
export interface Windows {
  /** How long it is left without an instance before one is started ahead, ms; 0: it is kept all along. */
  readonly preWarmMs: number;
  /** How long from then on it is kept, ms. */
  readonly keepAliveMs: number;
}

/** A keep-alive policy: pure, it gets times as arguments. */
export interface KeepAlive {
  /**
   * The windows of a function; cheap.
   *
   * @param functionName which function
   */
  windows(functionName: string): Windows;
  /**
   * A function was asked for again.
   *
   * @param functionName which function
   * @param idleMs how long it had rested: from the end of its last call to the next request
   */
  observe(functionName: string, idleMs: number): void;
  /** A function is gone. */
  forget(functionName: string): void;
}

/**
 * Keeps every instance for the same time and starts none ahead.
 *
 * @param keepAliveMs how long
 */
export function fixedKeepAlive(keepAliveMs: number): KeepAlive {
  const windows = { preWarmMs: 0, keepAliveMs };
  return { windows: () => windows, observe: () => {}, forget: () => {} };
}

/**
 * Whether an idle instance is kept.
 *
 * @param windows of its function
 * @param idleMs how long it has been idle
 * @param used false for one that was started ahead and served nothing yet: it waits for its first call
 */
export function isKept(windows: Windows, idleMs: number, used: boolean): boolean {
  const { preWarmMs, keepAliveMs } = windows;
  const openFor = used ? idleMs - preWarmMs : idleMs;
  return openFor >= 0 && openFor < keepAliveMs;
}

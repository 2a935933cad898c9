/**
 * Contract of a keep-alive policy, which decides how long idle instances of a function are kept and when
 * one is pre-warmed for the next request. The janitor executes these decisions.
 *
 * @module
 */

/**
 * Pre-warm and keep-alive window of an idle function, since the end of its last call (Shahrad et al.,
 * "Serverless in the Wild", USENIX ATC 2020, section 4).
 */
export interface KeepAliveWindows {
  /** Time without an instance before one is pre-warmed, ms; 0 if instances are kept from the beginning. */
  readonly preWarmMs: number;
  /** Time from then on for which an instance is kept, ms. */
  readonly keepAliveMs: number;
}

/** Keep-alive policy. It is pure: times are arguments. */
export interface KeepAlive {
  /** Returns the windows of a function; cheap. */
  windows(functionName: string): KeepAliveWindows;
  /**
   * Learns an idle time.
   *
   * @param idleMs time from the end of its last call to the next request
   */
  observe(functionName: string, idleMs: number): void;
  /** Forgets a deleted function. */
  forget(functionName: string): void;
}

/** Creates a policy that keeps every idle instance for the same time and pre-warms none. */
export function fixedKeepAlive(keepAliveMs: number): KeepAlive {
  const windows = { preWarmMs: 0, keepAliveMs };
  return { windows: () => windows, observe: () => {}, forget: () => {} };
}

/**
 * Tells whether an idle instance is kept.
 *
 * @param windows windows of its function
 * @param idleMs time for which it has been idle
 * @param used false for a pre-warmed instance that waits for its first call
 */
export function isKept(windows: KeepAliveWindows, idleMs: number, used: boolean): boolean {
  const { preWarmMs, keepAliveMs } = windows;
  const openFor = used ? idleMs - preWarmMs : idleMs;
  return openFor >= 0 && openFor < keepAliveMs;
}

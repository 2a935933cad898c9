/**
 * Resource monitor of sandboxes. It limits their memory if the kernel does not, and suspends sandboxes that
 * use the CPU without a call.
 *
 * @module
 */

import { logger } from "../../../base/log.ts";
import { cpuSeconds, residentBytes } from "./proc.ts";

/** Interval of memory checks of busy sandboxes that the kernel does not limit, ms. */
const busyIntervalMs = 25;
/** Interval of checks of all sandboxes, ms. */
const intervalMs = 1_000;
/** Number of checks without a call after which a sandbox counts as idle. */
const idleChecks = 5;
/** Maximum share of a core that a sandbox may use without a call. */
const idleShare = 0.25;

const log = logger("runtime");

/** Process that a monitor watches. */
export interface MonitoredProcess {
  /** Process id. */
  readonly pid: number;
  /** True while calls are in flight. */
  readonly busy: () => boolean;
  /** Sends a signal to the process. */
  readonly signal: (name: Deno.Signal) => void;
  /** Called once when the process has had no call for some seconds. */
  readonly onIdle: () => void;
  /** Resident memory above which the process is killed, bytes; undefined if the kernel limits it. */
  readonly maxBytes: number | undefined;
}

/** State of a monitored process. Disposing it ends the monitoring. */
export class Monitoring implements Disposable {
  /** True if the process was killed because of its memory usage. */
  outOfMemory = false;
  readonly #process: MonitoredProcess;
  readonly #monitor: ResourceMonitor;
  #isSuspended = false;
  #cpuSeconds: number | undefined;
  #wasBusy = true;
  #idleChecks = 0;

  /** Creates the state of a process; for {@link ResourceMonitor.watch} only. */
  constructor(process: MonitoredProcess, monitor: ResourceMonitor) {
    this.#process = process;
    this.#monitor = monitor;
  }

  /** Lets the process run. Must be called before each call to the process. */
  resume(): void {
    if (this.#isSuspended) {
      this.#isSuspended = false;
      this.#process.signal("SIGCONT");
    }
    this.#wasBusy = true;
    if (this.#process.maxBytes !== undefined) this.#monitor.checkOften();
  }

  /** True if the memory has to be checked often. */
  get needsFrequentChecks(): boolean {
    return this.#process.maxBytes !== undefined && this.#process.busy();
  }

  /** Kills the process if it uses too much memory. */
  checkMemory(): void {
    const { maxBytes, pid, signal } = this.#process;
    if (maxBytes === undefined || this.outOfMemory) return;
    if ((residentBytes(pid) ?? 0) <= maxBytes) return;
    this.outOfMemory = true;
    signal("SIGKILL");
  }

  /**
   * Suspends a process that uses the CPU without a call. Background work of a function must not slow others.
   */
  checkIdleness(): void {
    const { pid, busy, onIdle, signal } = this.#process;
    const before = this.#cpuSeconds;
    const now = this.#cpuSeconds = cpuSeconds(pid);
    const isIdle = !busy() && !this.#wasBusy;
    this.#wasBusy = busy();
    this.#idleChecks = isIdle ? this.#idleChecks + 1 : 0;
    if (this.#idleChecks === idleChecks) onIdle();
    if (!isIdle || this.#isSuspended || before === undefined || now === undefined) return;
    if (now - before <= idleShare * intervalMs / 1000) return;
    log.warn("Sandbox {pid} uses CPU without an invocation: suspended until the next one", { pid });
    this.#isSuspended = true;
    signal("SIGSTOP");
  }

  /** Ends the monitoring. */
  [Symbol.dispose](): void {
    this.#monitor.unwatch(this);
  }
}

/** Resource monitor of a node's sandboxes. It has timers only while it watches processes. */
export class ResourceMonitor implements Disposable {
  readonly #watched = new Set<Monitoring>();
  #timer: number | undefined;
  #busyTimer: number | undefined;

  /** Watches a process until the result is disposed. */
  watch(process: MonitoredProcess): Monitoring {
    const monitoring = new Monitoring(process, this);
    this.#watched.add(monitoring);
    this.#timer ??= setInterval(() => this.#checkAll(), intervalMs);
    return monitoring;
  }

  /** Checks memory often while any process is busy. */
  checkOften(): void {
    this.#busyTimer ??= setInterval(() => this.#checkBusy(), busyIntervalMs);
  }

  /** Ends the monitoring of a process. */
  unwatch(monitoring: Monitoring): void {
    this.#watched.delete(monitoring);
    if (this.#watched.size === 0) this[Symbol.dispose]();
  }

  /** Stops all timers. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    clearInterval(this.#busyTimer);
    this.#timer = this.#busyTimer = undefined;
  }

  #checkBusy(): void {
    const busy = [...this.#watched].filter((one) => one.needsFrequentChecks);
    for (const monitoring of busy) monitoring.checkMemory();
    if (busy.length > 0) return;
    clearInterval(this.#busyTimer);
    this.#busyTimer = undefined;
  }

  #checkAll(): void {
    for (const monitoring of this.#watched) {
      monitoring.checkMemory();
      monitoring.checkIdleness();
    }
  }
}

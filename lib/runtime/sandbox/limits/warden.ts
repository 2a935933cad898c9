/**
 * Looks after sandboxes from outside: bounds their memory where the kernel does not, and pauses
 * those that keep the CPU busy without having anything to do.
 *
 * @module
 */

import { logger } from "../../../base/log.ts";
import { cpuSeconds, residentBytes } from "./proc.ts";

/** How often the memory of busy sandboxes is looked at where the kernel bounds none, ms. */
const busyStepMs = 25;
/** How often all of them are looked at, ms. */
const idleStepMs = 1_000;
/** Looks at a sandbox without a call after which it is told to rest. */
const restLooks = 5;
/** Share of a core that a sandbox without calls may use. */
const idleShare = 0.25;

const log = logger("runtime");

/** A sandbox as the warden sees it. */
export interface Ward {
  /** Its process. */
  readonly pid: number;
  /** True while calls are under way. */
  readonly busy: () => boolean;
  /** Sends it a signal. */
  readonly signal: (name: Deno.Signal) => void;
  /** Called once when it has had no call for some seconds. */
  readonly rest: () => void;
  /** Resident bytes above which it is ended; undefined where the kernel sees to that. */
  readonly maxBytes: number | undefined;
}

/** A ward under watch. Disposing it ends the watch. */
export interface Watch extends Disposable {
  /** True if it was ended for its memory. */
  readonly outOfMemory: boolean;
  /** Must be called before each call to it. */
  wake(): void;
}

class Watched implements Watch {
  readonly ward: Ward;
  readonly #warden: Warden;
  outOfMemory = false;
  paused = false;
  cpu: number | undefined;
  wasBusy = true;
  quietLooks = 0;

  constructor(ward: Ward, warden: Warden) {
    this.ward = ward;
    this.#warden = warden;
  }

  wake(): void {
    if (this.paused) {
      this.paused = false;
      this.ward.signal("SIGCONT");
    }
    this.wasBusy = true;
    if (this.ward.maxBytes !== undefined) this.#warden.hurry();
  }

  [Symbol.dispose](): void {
    this.#warden.release(this);
  }
}

/** The warden of a node's sandboxes; it has a timer only while it has wards. */
export class Warden implements Disposable {
  readonly #watched = new Set<Watched>();
  #slow: number | undefined;
  #fast: number | undefined;

  /**
   * Watches a sandbox.
   *
   * @param ward until disposed
   */
  watch(ward: Ward): Watch {
    const watched = new Watched(ward, this);
    this.#watched.add(watched);
    this.#slow ??= setInterval(() => this.#lookAtAll(), idleStepMs);
    return watched;
  }

  /** Looks more often while any ward is busy. */
  hurry(): void {
    this.#fast ??= setInterval(() => this.#lookAtBusy(), busyStepMs);
  }

  /** Ends a watch. */
  release(watched: Watch): void {
    this.#watched.delete(watched as Watched);
    if (this.#watched.size === 0) this[Symbol.dispose]();
  }

  /** Stops all timers. */
  [Symbol.dispose](): void {
    clearInterval(this.#slow);
    clearInterval(this.#fast);
    this.#slow = this.#fast = undefined;
  }

  #lookAtBusy(): void {
    const busy = [...this.#watched].filter(({ ward }) =>
      ward.maxBytes !== undefined && ward.busy()
    );
    for (const watched of busy) this.#checkMemory(watched);
    if (busy.length > 0) return;
    clearInterval(this.#fast);
    this.#fast = undefined;
  }

  #lookAtAll(): void {
    for (const watched of this.#watched) {
      this.#checkMemory(watched);
      this.#checkIdleness(watched);
    }
  }

  #checkMemory(watched: Watched): void {
    const { maxBytes, pid, signal } = watched.ward;
    if (maxBytes === undefined || watched.outOfMemory) return;
    if ((residentBytes(pid) ?? 0) <= maxBytes) return;
    watched.outOfMemory = true;
    signal("SIGKILL");
  }

  /** What a function leaves running behind its reply is nobody's work: it must not slow others. */
  #checkIdleness(watched: Watched): void {
    const { ward } = watched;
    const before = watched.cpu;
    watched.cpu = cpuSeconds(ward.pid);
    const idle = !ward.busy() && !watched.wasBusy;
    watched.wasBusy = ward.busy();
    watched.quietLooks = idle ? watched.quietLooks + 1 : 0;
    if (watched.quietLooks === restLooks) ward.rest();
    if (!idle || watched.paused || before === undefined || watched.cpu === undefined) return;
    if (watched.cpu - before <= idleShare * idleStepMs / 1000) return;
    log.warn("Sandbox {pid} is busy without a call: paused until the next one", { pid: ward.pid });
    watched.paused = true;
    ward.signal("SIGSTOP");
  }
}

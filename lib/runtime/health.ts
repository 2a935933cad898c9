/**
 * Availability of an execution environment, which callers read without a request to it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { logger } from "../base/log.ts";
import type { ExecutionEnvironment } from "./environment.ts";

/** Interval of checks, ms. */
const askEveryMs = 5_000;

const log = logger("runtime");

/** Periodic check whether an environment can be used. */
export class EnvironmentHealth implements Disposable {
  readonly #environment: ExecutionEnvironment;
  readonly #clock: Clock;
  #cancel: () => void = () => {};
  #stopped = false;
  /** Availability at the last check; before the first one, the environment counts as usable. */
  #state: true | string = true;
  #usable = false;
  readonly #asked = Promise.withResolvers<void>();

  /**
   * Starts the first check at once, in the background.
   *
   * @param onAvailable called whenever the environment becomes usable
   */
  constructor(
    environment: ExecutionEnvironment,
    clock: Clock,
    private readonly onAvailable: () => void,
  ) {
    this.#environment = environment;
    this.#clock = clock;
    void this.#ask();
  }

  /** True if the environment can be used, otherwise the reason. */
  get state(): true | string {
    return this.#state;
  }

  /** Resolves after the first check, or when the checks are stopped. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Stops the checks. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#cancel();
    this.#asked.resolve();
  }

  async #ask(): Promise<void> {
    const state = await this.#environment.available();
    if (this.#stopped) return;
    if (state !== this.#state && state !== true) log.warn("{reason}", { reason: state });
    if (state === true && this.#state !== true) log.info("Containers can be started now");
    this.#state = state;
    this.#asked.resolve();
    if (state === true && !this.#usable) this.onAvailable();
    this.#usable = state === true;
    this.#cancel = this.#clock.after(askEveryMs, () => void this.#ask());
  }
}

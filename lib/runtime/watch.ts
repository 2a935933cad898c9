/**
 * Whether an execution environment can be used, known without asking it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { logger } from "../base/log.ts";
import type { ExecutionEnvironment } from "./environment.ts";

/** How often the environment is asked, ms. */
const askEveryMs = 5_000;

const log = logger("runtime");

/** Asks an environment from time to time whether it can be used. */
export class EnvironmentWatch implements Disposable {
  readonly #environment: ExecutionEnvironment;
  readonly #clock: Clock;
  #cancel: () => void = () => {};
  #stopped = false;
  /** Taken for usable until it has been asked. */
  #state: true | string = true;
  #usable = false;
  readonly #asked = Promise.withResolvers<void>();

  /**
   * A watch; it asks for the first time at once, in the background.
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

  /** True if it can be used, else why not. */
  get state(): true | string {
    return this.#state;
  }

  /** Resolves once it has been asked for the first time, or when nobody asks any more. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Stops asking. */
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

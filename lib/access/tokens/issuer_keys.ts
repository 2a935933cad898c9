/**
 * Public keys of an identity provider, in memory.
 *
 * @module
 */

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../../base/clock.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { Listeners } from "../../base/listeners.ts";
import { logger } from "../../base/log.ts";
import { tryParseJson } from "../../json/json.ts";
import type { KeySource } from "./key_source.ts";

const log = logger("access");

/** Interval between reads after a failure, ms. */
const retryMs = 15_000;

/**
 * The keys. They are read at intervals, and for a token whose key is unknown; requests whose keys are known never
 * wait for that. While the source is away, the last known keys stay valid.
 */
export class IssuerKeys implements Disposable {
  readonly #source: KeySource;
  readonly #clock: Clock;
  readonly #listeners = new Listeners<() => void>("access");
  #find: JWTVerifyGetKey | undefined;
  #text = "";
  #reading: Promise<void> | undefined;
  #readAt = -Infinity;
  #problem: string | undefined;
  #stopTimer = () => {};
  #isDisposed = false;

  /** Creates a set without keys, which is read at once. */
  constructor(source: KeySource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    void this.refresh();
  }

  /** Why the keys cannot be read; undefined while they can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Calls a listener after the keys have changed. Disposing the returned object removes it. */
  onChange(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  /**
   * Finds the key that a token names.
   *
   * @throws `ISSUER_UNAVAILABLE` if it is unknown and the keys cannot be read now; the errors of jose
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    try {
      if (this.#find) return await this.#find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    const isRecent = this.#clock.now() - this.#readAt < this.#source.coolDownMs;
    if (this.#reading || !isRecent) await this.refresh();
    if (!this.#find || this.#problem) throw this.#unavailable();
    return await this.#find(header, token);
  };

  /** Reads the keys; never rejects. Calls at the same time share one read. */
  refresh(): Promise<void> {
    return this.#reading ??= this.#read().finally(() => this.#reading = undefined);
  }

  /** Stops reading. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#stopTimer();
  }

  async #read(): Promise<void> {
    const { location, intervalMs } = this.#source;
    this.#stopTimer();
    let problem: string | undefined;
    try {
      this.#take(await this.#source.read());
    } catch (error) {
      problem = `cannot read the keys of the token issuer from ${location}: ${
        (error as Error).message
      }`;
    }
    if (this.#isDisposed) return;
    if (problem && !this.#problem) log.warn("Tokens: {problem}", { problem });
    this.#problem = problem;
    this.#readAt = this.#clock.now();
    const waitMs = problem ? Math.min(retryMs, intervalMs) : intervalMs;
    this.#stopTimer = this.#clock.after(waitMs, () => void this.refresh());
  }

  #take(text: string): void {
    if (text === this.#text) return;
    this.#find = createLocalJWKSet(tryParseJson(text) as JSONWebKeySet);
    this.#text = text;
    this.#listeners.each((listener) => listener());
  }

  #unavailable(): ServerledgeError {
    return new ServerledgeError(
      "ISSUER_UNAVAILABLE",
      "The key of the token is unknown, and the keys of its issuer cannot be read now: try again later",
    );
  }
}

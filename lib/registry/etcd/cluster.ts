/**
 * Calls to an etcd cluster: each with a deadline, the members in turn, errors translated, and what
 * they tell of the cluster's health remembered.
 *
 * @module
 */

import { abortable } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { firstResponse, memberIndex } from "./client/hedge.ts";
import type { EtcdOptions } from "./client/options.ts";
import { asEtcdError, EtcdError, EtcdTransport, grpc } from "./client/transport.ts";
import type { RegistryHealth } from "../registry.ts";

/** How long a call to one member may take, ms; an answer that has begun may take longer. */
export const callTimeoutMs = 5000;
/** How long a call may take that carries much over a slow uplink, ms. */
export const bulkTimeoutMs = 30_000;
/** How long a member may be silent before the next is asked as well, ms. */
const patienceMs = 300;
/** Slowest uplink that is given time to carry a request, bytes/ms. */
const slowestUplink = 64;
/**
 * How often each member is asked at most, one after the other: a connection may have ended unnoticed
 * since it was last used, and while a leader that is gone is not replaced (1 to 2 s, seldom more), the
 * others lose what they are asked, or say that there is none.
 */
const triesOfEach = 3;

/** What another member may answer better. */
const tryElsewhere: readonly number[] = [
  grpc.UNKNOWN,
  grpc.DEADLINE_EXCEEDED,
  grpc.INTERNAL,
  grpc.UNAVAILABLE,
];

/** Thrown where a lease is gone: expired, or lost with etcd's data. */
export class LeaseLost extends Error {}

/** Asks one member; ends by its control. */
type Attempt<T> = (member: string, control: AbortController, token?: string) => Promise<T>;

/** The members of an etcd cluster, as one. */
export class EtcdCluster implements Disposable {
  readonly #transport: EtcdTransport;
  readonly #options: EtcdOptions;
  /** Calls under way. */
  readonly #active = new Set<AbortController>();
  #closed = false;
  /** The member that answered last, asked first. */
  #current = 0;
  #token: string | undefined;
  #problem: { reason: string; since: number } | undefined;

  /** @param options how to reach it */
  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#transport = new EtcdTransport(options);
    this.#problem = { reason: "not connected yet", since: performance.now() };
  }

  /** Health of the cluster, by the last calls. */
  health(): RegistryHealth {
    if (!this.#problem) return { ok: true };
    const { reason, since } = this.#problem;
    return { ok: false, reason, sinceMs: performance.now() - since };
  }

  /**
   * Makes a call and reads its answer.
   *
   * @param path of the method, e.g. `/v3/kv/range`
   * @param body the request
   * @param timeoutMs how long a member may take for the whole answer
   * @throws `REGISTRY_UNAVAILABLE`, caused by an `EtcdError`; LeaseLost
   */
  call<T>(path: string, body: unknown, timeoutMs: number = callTimeoutMs): Promise<T> {
    const text = JSON.stringify(body);
    return this.#try(text, async (member, control, token) => {
      const response = await this.#request(member, path, text, timeoutMs, control, token);
      return response as T;
    });
  }

  /**
   * Opens a stream and reads it to its end.
   *
   * @param path of the method, e.g. `/v3/watch`
   * @param body the request
   * @param signal ends the stream
   * @throws as {@link EtcdCluster.call}, and what `read` throws
   */
  async stream(
    path: string,
    body: unknown,
    signal: AbortSignal,
    read: (stream: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<void> {
    const opened = new Set<AbortController>();
    const leave = () => opened.forEach((control) => control.abort(signal.reason));
    signal.addEventListener("abort", leave);
    try {
      const text = JSON.stringify(body);
      const response = await this.#try(text, async (member, control, token) => {
        opened.add(control);
        this.#active.add(control);
        if (signal.aborted || this.#closed) control.abort(signal.reason);
        control.signal.throwIfAborted();
        const answer = this.#transport.call(member, path, text, { signal: control.signal, token });
        return await abortable(answer, control.signal);
      });
      await read(response.body!);
    } finally {
      signal.removeEventListener("abort", leave);
      for (const control of opened) {
        control.abort();
        this.#active.delete(control);
      }
    }
  }

  /**
   * Remembers a problem.
   *
   * @param cause the lower error
   * @returns the error to throw
   */
  unavailable(text: string, cause?: unknown): ServerledgeError {
    const reason = text.replaceAll(/\s+/g, " ");
    this.#problem = { reason, since: this.#problem?.since ?? performance.now() };
    return new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      `The registry etcd (${
        this.#options.endpoints.join(", ")
      }) cannot be used: ${reason}; see that it runs, can be reached and knows this node's user`,
      { cause },
    );
  }

  /** Closes the connections; calls from now on fail. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const control of this.#active) control.abort();
    this.#transport[Symbol.dispose]();
  }

  /**
   * Tries the members in turn until one responds, the next one also while one is slow; all calls are
   * safe to repeat.
   */
  async #try<T>(text: string, attempt: Attempt<T>): Promise<T> {
    const { endpoints } = this.#options;
    const first = this.#current;
    const isAlone = endpoints.length === 1;
    try {
      return await firstResponse({
        tries: triesOfEach * endpoints.length,
        delayMs: isAlone ? Infinity : patienceMs + text.length / slowestUplink,
        isFinal: (error) => {
          const { code } = asEtcdError(error);
          // A member that gave no answer in all its time gets no second chance in the same call.
          const isSpent = code === grpc.DEADLINE_EXCEEDED && isAlone;
          return this.#closed || isSpent || !tryElsewhere.includes(code);
        },
        // That there is no leader is an answer; all else has its cause in the connection.
        isTransient: (error) => error instanceof EtcdError && error.cause === undefined,
      }, async (tried, control) => {
        const index = (first + memberIndex(tried, endpoints.length)) % endpoints.length;
        const result = await this.#authenticated(endpoints[index]!, control, attempt);
        if (control.signal.aborted) return result; // Another was faster.
        this.#current = index;
        this.#problem = undefined;
        return result;
      });
    } catch (error) {
      const failure = asEtcdError(error);
      if (failure.code === grpc.NOT_FOUND) throw new LeaseLost();
      throw this.unavailable(this.#closed ? "it is closed" : failure.message, failure);
    }
  }

  async #authenticated<T>(
    member: string,
    control: AbortController,
    attempt: Attempt<T>,
  ): Promise<T> {
    if (!this.#options.username) return await attempt(member, control);
    try {
      return await attempt(member, control, await this.#logIn(member, control));
    } catch (error) {
      if (asEtcdError(error).code !== grpc.UNAUTHENTICATED) throw error;
      // Tokens end: by their time, and when etcd restarts.
      this.#token = undefined;
      return await attempt(member, control, await this.#logIn(member, control));
    }
  }

  /** Calls that begin at the same time each get a token of their own: a member may be silent. */
  async #logIn(member: string, control: AbortController): Promise<string> {
    if (this.#token) return this.#token;
    const { username: name, password = "" } = this.#options;
    const path = "/v3/auth/authenticate";
    const text = JSON.stringify({ name, password });
    const answer = await this.#request(member, path, text, callTimeoutMs, control);
    return this.#token = (answer as { token: string }).token;
  }

  /** Makes one call to one member and reads its answer, within a time. */
  async #request(
    member: string,
    path: string,
    body: string,
    timeoutMs: number,
    control: AbortController,
    token?: string,
  ): Promise<unknown> {
    this.#active.add(control);
    if (this.#closed) control.abort();
    const { signal } = control;
    let timer: number | undefined;
    const limit = (ms: number) => {
      clearTimeout(timer);
      const reason = `no answer within ${Math.round(ms / 1000)} s`;
      timer = setTimeout(() => control.abort(new DOMException(reason, "TimeoutError")), ms);
    };
    const call = async () => {
      const response = await this.#transport.call(member, path, body, { signal, token });
      if (!signal.aborted) limit(timeoutMs);
      return await response.json();
    };
    try {
      signal.throwIfAborted();
      // etcd begins its answer when it has done what was asked: until then only the request travels.
      limit(Math.min(timeoutMs, callTimeoutMs + body.length / slowestUplink));
      return await abortable(call(), signal);
    } finally {
      clearTimeout(timer);
      this.#active.delete(control);
    }
  }
}

/**
 * Calls the members of an etcd cluster: sets a deadline for each call, tries the members in turn,
 * converts errors, and records the cluster's health.
 *
 * @module
 */

import { abortable } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { firstResponse, memberIndex } from "./client/hedge.ts";
import type { EtcdOptions } from "./client/options.ts";
import { asEtcdError, EtcdError, EtcdTransport, grpc } from "./client/transport.ts";
import type { RegistryHealth } from "../registry.ts";

/** Maximum time of a call to one member, ms; once a response has begun, the limit starts again. */
export const callTimeoutMs = 5000;
/** Maximum time of a call that transfers much data over a slow uplink, ms. */
export const bulkTimeoutMs = 30_000;
/** Time without a response of a member after which the next one is called in addition, ms. */
const patienceMs = 300;
/** Slowest uplink for which the time limit of a request is extended, bytes/ms. */
const slowestUplink = 64;
/**
 * Maximum number of calls to each member, one after the other. A connection may have ended unnoticed
 * since its last use. Until a failed leader is replaced (1 to 2 s, seldom more), the other members lose
 * requests or respond that there is no leader.
 */
const triesOfEach = 3;

/** Status codes after which another member is called. */
const tryElsewhere: readonly number[] = [
  grpc.UNKNOWN,
  grpc.DEADLINE_EXCEEDED,
  grpc.INTERNAL,
  grpc.UNAVAILABLE,
];

/** Thrown if a lease does not exist any more: it has expired, or etcd has lost its data. */
export class LeaseLost extends Error {}

/** Calls one member; the control aborts the call. */
type Attempt<T> = (member: string, control: AbortController, token?: string) => Promise<T>;

/** Client of an etcd cluster that selects the member of each call. */
export class EtcdCluster implements Disposable {
  readonly #transport: EtcdTransport;
  readonly #options: EtcdOptions;
  /** Calls in progress. */
  readonly #active = new Set<AbortController>();
  #closed = false;
  /** Index of the member that responded last, which is called first. */
  #current = 0;
  #token: string | undefined;
  #problem: { reason: string; since: number } | undefined;

  /**
   * Creates a client that has not connected yet.
   *
   * @param options endpoints and credentials of the cluster
   */
  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#transport = new EtcdTransport(options);
    this.#problem = { reason: "not connected yet", since: performance.now() };
  }

  /** Returns the health of the cluster, judged by the last calls. */
  health(): RegistryHealth {
    if (!this.#problem) return { ok: true };
    const { reason, since } = this.#problem;
    return { ok: false, reason, sinceMs: performance.now() - since };
  }

  /**
   * Makes a call and reads its response.
   *
   * @param path path of the method, e.g. `/v3/kv/range`
   * @param body the request
   * @param timeoutMs maximum time until a member's response begins, and again until it ends
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
   * @param path path of the method, e.g. `/v3/watch`
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
   * Records a problem.
   *
   * @param cause the underlying error
   * @returns the error to throw
   */
  unavailable(text: string, cause?: unknown): ServerledgeError {
    const reason = text.replaceAll(/\s+/g, " ");
    this.#problem = { reason, since: this.#problem?.since ?? performance.now() };
    return new ServerledgeError(
      "REGISTRY_UNAVAILABLE",
      `The registry etcd (${this.#options.endpoints.join(", ")}) cannot be used: ` +
        `${reason}; check that it runs, that this node can reach it, and that it accepts ` +
        "this node's user",
      { cause },
    );
  }

  /** Closes the connections; later calls fail. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const control of this.#active) control.abort();
    this.#transport[Symbol.dispose]();
  }

  /**
   * Tries the members in turn until one responds. While a member is slow, the next one is called in
   * addition. All calls are safe to repeat.
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
          // A single member that has exceeded its time limit is not called again.
          const isSpent = code === grpc.DEADLINE_EXCEEDED && isAlone;
          return this.#closed || isSpent || !tryElsewhere.includes(code);
        },
        // An error without a cause is etcd's own response, e.g. that there is no leader; the cause of
        // all others is the connection.
        isTransient: (error) => error instanceof EtcdError && error.cause === undefined,
      }, async (tried, control) => {
        const index = (first + memberIndex(tried, endpoints.length)) % endpoints.length;
        const result = await this.#authenticated(endpoints[index]!, control, attempt);
        if (control.signal.aborted) return result; // Another member was faster.
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
      // A token has expired, or etcd has restarted.
      this.#token = undefined;
      return await attempt(member, control, await this.#logIn(member, control));
    }
  }

  /**
   * Returns the token, or gets one. Concurrent calls each get their own token, because a member may
   * not respond.
   */
  async #logIn(member: string, control: AbortController): Promise<string> {
    if (this.#token) return this.#token;
    const { username: name, password = "" } = this.#options;
    const path = "/v3/auth/authenticate";
    const text = JSON.stringify({ name, password });
    const answer = await this.#request(member, path, text, callTimeoutMs, control);
    return this.#token = (answer as { token: string }).token;
  }

  /** Makes one call to one member and reads its response, within a time limit. */
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
      const reason = `no response within ${Math.round(ms / 1000)} s`;
      timer = setTimeout(() => control.abort(new DOMException(reason, "TimeoutError")), ms);
    };
    const call = async () => {
      const response = await this.#transport.call(member, path, body, { signal, token });
      if (!signal.aborted) limit(timeoutMs);
      return await response.json();
    };
    try {
      signal.throwIfAborted();
      // etcd begins its response after it has processed the request. Until then the limit includes the
      // time to send the request.
      limit(Math.min(timeoutMs, callTimeoutMs + body.length / slowestUplink));
      return await abortable(call(), signal);
    } finally {
      clearTimeout(timer);
      this.#active.delete(control);
    }
  }
}

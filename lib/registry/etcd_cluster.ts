/**
 * Calls to an etcd cluster: each with a deadline, the members in turn, errors translated, and what
 * they tell of the cluster's health remembered.
 *
 * @module
 */

import { abortable } from "../base/async.ts";
import { ServerledgeError } from "../base/errors.ts";
import type { EtcdOptions } from "./etcd_options.ts";
import { asEtcdError, type EtcdError, EtcdTransport, grpc } from "./etcd_transport.ts";
import type { RegistryHealth } from "./registry.ts";

/** How long a call to one member may take, ms. */
export const callTimeoutMs = 5000;
/** How long a call may take that carries much over a slow uplink, ms. */
export const bulkTimeoutMs = 30_000;
/** Fewest calls that are tried: a connection may have ended unnoticed since it was last used. */
const minTries = 2;

/** What another member may answer better. */
const tryElsewhere: readonly number[] = [
  grpc.UNKNOWN,
  grpc.DEADLINE_EXCEEDED,
  grpc.INTERNAL,
  grpc.UNAVAILABLE,
];

/** Thrown where a lease is gone: expired, or lost with etcd's data. */
export class LeaseLost extends Error {}

/** The members of an etcd cluster, as one. */
export class EtcdCluster implements Disposable {
  readonly #transport: EtcdTransport;
  readonly #options: EtcdOptions;
  /** Calls under way. */
  readonly #active = new Set<AbortController>();
  #closed = false;
  /** The member that answered last, asked first. */
  #current = 0;
  #token: Promise<string> | undefined;
  #problem: { reason: string; since: number } | undefined;

  /**
   * A cluster without connections yet.
   *
   * @param options how to reach it
   */
  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#transport = new EtcdTransport(options);
    this.#problem = { reason: "not connected yet", since: performance.now() };
  }

  /** What the last calls told. */
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
   * @param timeoutMs how long a member may take
   * @throws `REGISTRY_UNAVAILABLE`, caused by an `EtcdError`; LeaseLost
   */
  call<T>(path: string, body: unknown, timeoutMs: number = callTimeoutMs): Promise<T> {
    return this.#try(async (member, token) => {
      const response = await this.#request(member, path, body, timeoutMs, token);
      return response as T;
    });
  }

  /**
   * Opens a stream and reads it to its end.
   *
   * @param path of the method, e.g. `/v3/watch`
   * @param body the request
   * @param signal ends the stream
   * @param read reads it
   * @throws as {@link EtcdCluster.call}, and what `read` throws
   */
  async stream(
    path: string,
    body: unknown,
    signal: AbortSignal,
    read: (stream: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<void> {
    const control = this.#begin();
    const leave = () => control.abort(signal.reason);
    signal.addEventListener("abort", leave);
    if (signal.aborted) leave();
    try {
      const response = await this.#try((member, token) => {
        control.signal.throwIfAborted();
        const answer = this.#transport.call(member, path, body, { signal: control.signal, token });
        return abortable(answer, control.signal);
      });
      await read(readUntil(response.body!, control.signal));
    } finally {
      signal.removeEventListener("abort", leave);
      control.abort();
      this.#active.delete(control);
    }
  }

  /**
   * Remembers a problem.
   *
   * @param text what it is
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

  /** Asks the members in turn until one answers; every call may be repeated without harm. */
  async #try<T>(attempt: (member: string, token?: string) => Promise<T>): Promise<T> {
    const { endpoints } = this.#options;
    let failure: EtcdError | undefined;
    for (let tried = 0; tried < Math.max(minTries, endpoints.length); tried++) {
      if (this.#closed) break;
      const index = (this.#current + tried) % endpoints.length;
      try {
        const result = await this.#authenticated(endpoints[index]!, attempt);
        this.#current = index;
        this.#problem = undefined;
        return result;
      } catch (error) {
        failure = asEtcdError(error);
        if (failure.code === grpc.NOT_FOUND) throw new LeaseLost();
        if (!tryElsewhere.includes(failure.code)) break;
        // A member that gave no answer in all its time gets no second chance in the same call.
        if (failure.code === grpc.DEADLINE_EXCEEDED && endpoints.length === 1) break;
      }
    }
    throw this.unavailable(
      this.#closed ? "it is closed" : failure!.message,
      failure,
    );
  }

  async #authenticated<T>(
    member: string,
    attempt: (member: string, token?: string) => Promise<T>,
  ): Promise<T> {
    if (!this.#options.username) return await attempt(member);
    try {
      return await attempt(member, await this.#logIn(member));
    } catch (error) {
      if (asEtcdError(error).code !== grpc.UNAUTHENTICATED) throw error;
      // Tokens end: by their time, and when etcd restarts.
      this.#token = undefined;
      return await attempt(member, await this.#logIn(member));
    }
  }

  #logIn(member: string): Promise<string> {
    if (this.#token) return this.#token;
    const { username: name, password = "" } = this.#options;
    const path = "/v3/auth/authenticate";
    const token = this.#request(member, path, { name, password }, callTimeoutMs)
      .then((answer) => (answer as { token: string }).token);
    this.#token = token;
    token.catch(() => {
      if (this.#token === token) this.#token = undefined;
    });
    return token;
  }

  /** Makes one call to one member and reads its answer, within a time. */
  async #request(
    member: string,
    path: string,
    body: unknown,
    timeoutMs: number,
    token?: string,
  ): Promise<unknown> {
    const control = this.#begin();
    const reason = `no answer within ${timeoutMs / 1000} s`;
    const late = () => control.abort(new DOMException(reason, "TimeoutError"));
    const timer = setTimeout(late, timeoutMs);
    try {
      const { signal } = control;
      signal.throwIfAborted();
      const answer = this.#transport.call(member, path, body, { signal, token })
        .then((response) => response.json());
      return await abortable(answer, signal);
    } finally {
      clearTimeout(timer);
      this.#active.delete(control);
    }
  }

  /** Controls one call. Not `AbortSignal.any`: Deno may forget a combined signal that is in use. */
  #begin(): AbortController {
    const control = new AbortController();
    if (this.#closed) control.abort();
    else this.#active.add(control);
    return control;
  }
}

/**
 * The chunks of a stream until a signal. Aborting the request it belongs to is not enough: on Deno
 * a read that is under way may then wait for ever.
 */
async function* readUntil(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await abortable(reader.read(), signal);
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {}); // Its request may have been aborted already.
  }
}

/**
 * Outbound requests of a sandbox, which has no network itself. They go to other machines only, never to this
 * one.
 *
 * @module
 */

import * as v from "valibot";
import { askGuarded, type GuardedOptions } from "../../http/guarded.ts";
import type { ExecutorConnection } from "../wire/channel.ts";
import {
  type FetchRequest,
  type FetchResponse,
  maxFetchBytes,
  maxFetches,
} from "./fetch_messages.ts";

/** Maximum size of a frame with a request, bytes: its body in base64, its headers and its URL. */
const maxAskBytes = Math.ceil(maxFetchBytes / 3) * 4 + (32 << 20);
/** Time limit of a request and its response, ms. */
export const timeoutMs = 60_000;
/** Headers that only the node sets. */
const ownHeaders =
  /^(host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|expect)$/i;

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
const askSchema = v.union([
  v.object({ cancel: v.number() }),
  v.object({
    seq: v.number(),
    url: v.pipe(v.string(), v.maxLength(64 << 10)),
    method: v.pipe(v.string(), v.regex(token)),
    headers: v.pipe(
      v.array(
        v.tuple([v.pipe(v.string(), v.regex(token)), v.pipe(v.string(), v.maxLength(64 << 10))]),
      ),
      v.maxLength(256),
    ),
    body: v.nullable(v.pipe(v.string(), v.maxLength(Math.ceil(maxFetchBytes / 3) * 4))),
  }),
]);

/** Outbound requests of one sandbox. Disposing it aborts them. */
export class FetchBroker implements Disposable {
  readonly #connection: ExecutorConnection;
  readonly #forbids: GuardedOptions["forbids"];
  readonly #running = new Map<number, AbortController>();

  /**
   * Serves the requests of a sandbox from now on.
   *
   * @param forbids reports whether the sandbox may not access an address
   */
  constructor(connection: ExecutorConnection, forbids: GuardedOptions["forbids"]) {
    this.#connection = connection;
    this.#forbids = forbids;
    connection.maxRequestBytes = maxAskBytes;
    connection.onRequest = (ask) => this.#take(ask);
  }

  /** Aborts all requests. */
  [Symbol.dispose](): void {
    for (const abort of this.#running.values()) abort.abort();
    this.#running.clear();
  }

  #take(message: unknown): void {
    const ask = v.safeParse(askSchema, message);
    // Our code in the sandbox obeys format and limits: a violation means that it is compromised.
    if (!ask.success) return this.#connection[Symbol.dispose]();
    if ("cancel" in ask.output) return this.#running.get(ask.output.cancel)?.abort();
    if (this.#running.size >= maxFetches || this.#running.has(ask.output.seq)) {
      return this.#connection[Symbol.dispose]();
    }
    void this.#run(ask.output);
  }

  async #run(ask: FetchRequest): Promise<void> {
    const abort = new AbortController();
    this.#running.set(ask.seq, abort);
    const timer = setTimeout(
      () => abort.abort(new Error("the time limit was exceeded")),
      timeoutMs,
    );
    const answer = await this.#fetch(ask, abort.signal);
    clearTimeout(timer);
    // The entry is missing if the sandbox has ended.
    if (this.#running.delete(ask.seq)) this.#connection.send(answer);
  }

  async #fetch(ask: FetchRequest, signal: AbortSignal): Promise<FetchResponse> {
    const { seq, method, headers, body } = ask;
    try {
      const { status, ...answer } = await askGuarded(new URL(ask.url), {
        method,
        headers: headers.filter(([name]) => !ownHeaders.test(name)),
        body: body === null ? undefined : Uint8Array.fromBase64(body),
      }, { forbids: this.#forbids, maxBytes: maxFetchBytes, signal });
      const base64 = answer.body.toBase64();
      return { fetched: seq, status, headers: answer.headers, body: base64 };
    } catch (error) {
      const cause = signal.aborted && signal.reason instanceof Error ? signal.reason : error;
      return { fetched: seq, problem: (cause as Error).message };
    }
  }
}

/**
 * `fetch` in a sandbox. The sandbox has no network; its node sends the requests.
 *
 * @module
 */

import {
  type FetchRequest,
  type FetchResponse,
  maxFetchBytes,
  maxFetches,
} from "../../fetch_messages.ts";

/** Maximum number of redirects (Fetch standard). */
const maxRedirects = 20;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const withoutBody: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);
/** Content codings that the sandbox decodes, with their names in `DecompressionStream`. */
const codings: Readonly<Record<string, CompressionFormat>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
};

/** Sends a message to the node. */
type Send = (message: { ask: FetchRequest | { cancel: number } }) => void;

/** Sandbox's end of the requests that its node sends for it. */
export class Network {
  readonly #send: Send;
  readonly #pending = new Map<number, (answer: FetchResponse) => void>();
  readonly #waiting: (() => void)[] = [];
  #seq = 0;

  /**
   * Creates the sandbox's end without requests.
   *
   * @param send sends a message to the node
   */
  constructor(send: Send) {
    this.#send = send;
  }

  /** Handles a response of the node. */
  accept(answer: FetchResponse): void {
    this.#pending.get(answer.fetched)?.(answer);
  }

  /**
   * Implements `fetch` of the Fetch standard over HTTP/1.1. Bodies are not streamed; each direction is
   * limited to 16 MiB.
   */
  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const bytes = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined;
    let { method, url } = request;
    let body = bytes;
    const headers = new Headers(request.headers);
    if (!headers.has("accept")) headers.set("accept", "*/*");
    if (!headers.has("user-agent")) headers.set("user-agent", navigator.userAgent);
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "gzip, deflate");
    for (let count = 0;; count++) {
      const answer = await this.#ask({ url, method, headers, body }, request.signal);
      const response = makeResponse(answer, url, count > 0);
      const location = response.headers.get("location");
      if (!redirects.has(response.status) || !location || request.redirect === "manual") {
        return response;
      }
      if (request.redirect === "error") {
        throw new TypeError(`fetch failed: ${url} redirects, and redirects are disabled`);
      }
      if (count === maxRedirects) throw new TypeError("fetch failed: too many redirects");
      const next = new URL(location, url);
      if (next.origin !== new URL(url).origin) headers.delete("authorization");
      const { status } = response;
      if (status === 303 || (status < 303 && method === "POST")) {
        if (method !== "HEAD") method = "GET";
        body = undefined;
        for (const name of ["content-type", "content-encoding"]) headers.delete(name);
      }
      url = next.href;
    }
  };

  async #ask(
    { url, method, headers, body }: {
      url: string;
      method: string;
      headers: Headers;
      body: Uint8Array | undefined;
    },
    signal: AbortSignal,
  ): Promise<Extract<FetchResponse, { status: number }>> {
    if ((body?.length ?? 0) > maxFetchBytes) {
      throw new TypeError(`fetch failed: the body is longer than ${maxFetchBytes} bytes`);
    }
    signal.throwIfAborted();
    while (this.#pending.size >= maxFetches) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    signal.throwIfAborted();
    const seq = ++this.#seq;
    const { promise, resolve, reject } = Promise.withResolvers<FetchResponse>();
    const giveUp = () => {
      this.#send({ ask: { cancel: seq } });
      reject(signal.reason);
    };
    signal.addEventListener("abort", giveUp);
    // A request counts as pending until the node has responded, even after it was aborted.
    this.#pending.set(seq, (answer) => {
      this.#pending.delete(seq);
      this.#waiting.shift()?.();
      resolve(answer);
    });
    this.#send({
      ask: { seq, url, method, headers: [...headers], body: body ? body.toBase64() : null },
    });
    try {
      const answer = await promise;
      if ("status" in answer) return answer;
      throw new TypeError(`fetch failed: ${answer.problem}`);
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }
}

function makeResponse(
  answer: Extract<FetchResponse, { status: number }>,
  url: string,
  redirected: boolean,
): Response {
  const headers = new Headers(answer.headers as [string, string][]);
  const bytes = Uint8Array.fromBase64(answer.body);
  let body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null = bytes;
  const coding = codings[headers.get("content-encoding") ?? ""];
  if (coding && bytes.length > 0) {
    body = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(coding));
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  if (withoutBody.has(answer.status)) body = null;
  const status = answer.status < 200 ? 200 : answer.status;
  const response = new Response(body, { status, headers });
  Object.defineProperty(response, "url", { value: url });
  Object.defineProperty(response, "redirected", { value: redirected });
  return response;
}

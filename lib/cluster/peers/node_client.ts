/**
 * HTTP client for other nodes. In a cluster with a secret it signs requests and accepts only signed
 * responses.
 *
 * @module
 */

import type { ReserveMemory } from "../../base/reserve_memory.ts";
import { HttpClient, type HttpResponse, type WholeResponse } from "../../http/client.ts";
import { ConnectionBroken } from "../../http/failures.ts";
import { maxHeadBytes } from "../../http/input.ts";
import type { HttpRequest } from "../../http/request.ts";
import { maxHeaders } from "../../http/server/request_head.ts";
import type { Trust } from "../../http/tls/trust.ts";
import type { NodeRecord } from "../../model/node.ts";
import type { RequestSigner } from "../trust/request_signer.ts";

/** Maximum length of the version in the first line, the header that delimits the body, and line ends. */
const restOfHeadBytes = 64;

/** The node that is sent a request. */
export type Addressee = Pick<NodeRecord, "id" | "url" | "incarnation">;

/** The head of a request is too long for a node, with the headers that this one adds. It was not sent. */
export class HeadTooLong extends Error {
  /** The class, for logs. */
  override readonly name = "HeadTooLong";
}

/**
 * A node has refused a request, since it has restarted, and the request cannot be sent again. The next
 * request is for its new process.
 */
export class RestartedNode extends Error {
  /** The class, for logs. */
  override readonly name = "RestartedNode";

  /**
   * Creates an error.
   *
   * @param mayHaveRun whether the former process of the node may have carried the request out
   */
  constructor(readonly mayHaveRun: boolean) {
    super(
      mayHaveRun
        ? "The node has restarted, and its former process may have processed the request"
        : "The request was for a former process, and its body cannot be sent again",
    );
  }
}

/** Sends requests to nodes over persistent connections. Disposing it closes them. */
export class NodeClient implements Disposable {
  readonly #http: HttpClient;
  readonly #signer: RequestSigner | undefined;
  /** Processes of nodes that have restarted since they registered, as they said themselves. */
  readonly #processes = new WeakMap<Addressee, string>();

  /**
   * Creates a client without connections.
   *
   * @param signer signs the requests; undefined: they are not signed
   * @param trust certificates of nodes that it accepts in addition to those of public authorities
   */
  constructor(signer?: RequestSigner, trust?: Trust) {
    this.#http = new HttpClient({ trust });
    this.#signer = signer;
  }

  /**
   * Sends a request and reads its response, as {@link HttpClient.ask} does.
   *
   * @throws {HeadTooLong}; in a cluster with a secret {UnsignedResponse} or {RestartedNode}; the errors
   *   of {@link HttpClient.ask}
   */
  ask(
    node: Addressee,
    request: HttpRequest,
    signal: AbortSignal,
    maxBytes: number,
    reserve?: ReserveMemory,
  ): Promise<WholeResponse> {
    return this.#exchange(
      node,
      request,
      (signed) => this.#http.ask(node.url, signed, signal, maxBytes, reserve),
    );
  }

  /**
   * Sends a request and streams its response, as {@link HttpClient.open} does. The signature covers the
   * body of a response that its node knew completely before it sent it.
   *
   * @throws {HeadTooLong}; in a cluster with a secret {UnsignedResponse} or {RestartedNode}; the errors
   *   of {@link HttpClient.open}
   */
  async open(
    node: Addressee,
    request: HttpRequest,
    signal: AbortSignal,
    ended: () => void,
  ): Promise<HttpResponse> {
    // The exchange may be repeated, and it ends only once for the caller.
    let isFinal = false;
    let hasEnded = false;
    const settle = () => {
      isFinal = true;
      if (hasEnded) ended();
    };
    try {
      return await this.#exchange(node, request, (signed) => {
        hasEnded = false;
        return this.#http.open(node.url, signed, signal, () => {
          hasEnded = true;
          if (isFinal) ended();
        });
      });
    } finally {
      settle();
    }
  }

  /**
   * Sends a GET request that only reads. If the connection breaks, or the node has restarted, the request
   * is repeated once on a new connection: the node may just have closed the kept one.
   *
   * @throws the errors of {@link NodeClient.ask}
   */
  async get(
    node: Addressee,
    path: string,
    signal: AbortSignal,
    maxBytes: number,
  ): Promise<WholeResponse> {
    const headers = [["host", new URL(node.url).host]] as const;
    const request = { method: "GET", path, headers, body: undefined };
    const ask = () => this.ask(node, request, signal, maxBytes);
    return await ask().catch((error) => {
      const mayRepeat = error instanceof ConnectionBroken || error instanceof RestartedNode;
      if (!mayRepeat || signal.aborted) throw error;
      this.forget(node.url);
      return ask();
    });
  }

  /** Closes the idle connections to a node, and the others after their exchange. */
  forget(url: string): void {
    this.#http.forget(url);
  }

  /** Closes the connections to all other nodes, as {@link NodeClient.forget} does. */
  keepOnly(urls: ReadonlySet<string>): void {
    this.#http.keepOnly(urls);
  }

  /** Closes all connections; requests in flight fail. */
  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  /** Sends a request, once more if the node refuses it since it is for a former process of it. */
  async #exchange<R extends HttpResponse>(
    node: Addressee,
    request: HttpRequest,
    send: (request: HttpRequest) => Promise<R>,
  ): Promise<R> {
    if (!this.#signer) return await send(checkedHead(request));
    const ask = async (process: string) => {
      const signed = await this.#signer!.sign(request, { id: node.id, process });
      const response = await signed.verified(await send(checkedHead(signed.request)));
      const restart = signed.restart(response);
      if (restart) this.#processes.set(node, restart.process);
      if (restart?.mayHaveRun) throw new RestartedNode(true);
      return { response, restart };
    };
    const first = await ask(this.#processes.get(node) ?? node.incarnation);
    if (!first.restart) return first.response;
    if (request.body instanceof ReadableStream) throw new RestartedNode(false);
    return (await ask(first.restart.process)).response;
  }
}

/**
 * Returns a request that the server of a node accepts. What the server rejects itself would not be signed, and
 * would look like a response of somebody else.
 *
 * @throws {HeadTooLong}
 */
function checkedHead(request: HttpRequest): HttpRequest {
  const { method, path, headers } = request;
  // One more header delimits the body.
  const count = headers.length + 1;
  let bytes = method.length + path.length + restOfHeadBytes;
  for (const [name, value] of headers) bytes += name.length + value.length + ": \r\n".length;
  if (count <= maxHeaders && bytes <= maxHeadBytes) return request;
  throw new HeadTooLong(
    `The request has ${count} headers in ${bytes} bytes, including those for the node; the maximum is ` +
      `${maxHeaders} headers and ${maxHeadBytes} bytes`,
  );
}

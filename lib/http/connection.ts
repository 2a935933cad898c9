/**
 * Connection that is reused for consecutive exchanges. Deno's `fetch` is unsuitable for requests that
 * must not run twice: it repeats a request whose connection breaks. It distinguishes a refused
 * connection from a broken one only by the text of a message.
 *
 * @module
 */

import { IncomingBody } from "./body.ts";
import { BadMessage, NeverSent } from "./failures.ts";
import { parseResponseHead, type ResponseHead } from "./head.ts";
import { Input } from "./input.ts";
import { beginRequest, type HttpRequest, type RequestRest } from "./request.ts";

/** Maximum number of interim responses (1xx) before the final one. */
const maxInterim = 16;

/** Transport of a connection. */
export type Wire = Pick<Deno.Conn, "read" | "write" | "close">;

/** Response of which the body was not yet read. */
export interface IncomingResponse {
  readonly head: ResponseHead;
  readonly body: IncomingBody;
}

/** Connection to a server. */
export class Connection implements Disposable {
  readonly #wire: Wire;
  readonly #input: Input;
  #state: "idle" | "sending" | "sent" | "closed" = "sent";
  #keepsAlive = true;
  /** Unsent rest of the request in progress. */
  #rest: RequestRest | undefined;

  /**
   * Creates a connection that has no request yet.
   *
   * @param wire transport, which this object closes
   */
  constructor(wire: Wire) {
    this.#wire = wire;
    this.#input = new Input(wire);
  }

  /** True once the connection is closed. */
  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /**
   * True if another request may follow, once the body of the response was read. A request must have
   * been sent completely: a server that responds early would read its rest as the next request.
   */
  get isReusable(): boolean {
    return this.#state === "sent" && this.#keepsAlive && this.#input.isQuiet;
  }

  /**
   * Watches the connection while it is idle.
   *
   * @param gone called if the server closes the connection or sends data without a request
   */
  idle(gone: () => void): void {
    this.#state = "idle";
    const came = () => {
      if (this.#state !== "idle") return;
      this[Symbol.dispose]();
      gone();
    };
    this.#input.more().then(came, came);
  }

  /**
   * Sends a request once, and reads the head of its response.
   *
   * @throws {NeverSent} if no byte of the request was sent; {ConnectionBroken} or {BadMessage} if the
   *   server may have processed it
   */
  async ask(request: HttpRequest): Promise<IncomingResponse> {
    if (this.isClosed) throw new NeverSent("The connection had ended before the request");
    this.#state = "sending";
    this.#rest = await beginRequest(this.#wire, request);
    if (this.#rest) this.#sendRest(this.#rest, request);
    else this.#sent();
    for (let count = 0; count <= maxInterim; count++) {
      const head = parseResponseHead(await this.#input.head(), request.method);
      if (head.status === 101) {
        throw new BadMessage("switches protocols without a request to do so");
      }
      if (head.status < 200) continue;
      this.#keepsAlive = head.keepAlive;
      return { head, body: new IncomingBody(this.#input, head.framing) };
    }
    throw new BadMessage("is not complete");
  }

  /** Closes the connection; the exchange in progress fails. */
  [Symbol.dispose](): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#wire.close();
    this.#rest?.cancel();
  }

  #sendRest(rest: RequestRest, { body }: HttpRequest): void {
    if (this.isClosed) rest.cancel();
    rest.send().then(() => this.#sent(), () => {
      rest.cancel();
      // The server may respond and close before it has read the whole request, so the client still
      // waits for the response. After a failed stream, though, both sides would wait for each other.
      if (body instanceof ReadableStream) this[Symbol.dispose]();
    });
  }

  #sent(): void {
    this.#rest = undefined;
    if (this.#state === "sending") this.#state = "sent";
  }
}

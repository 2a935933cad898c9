/**
 * A connection, reused for one exchange after the other. Deno's `fetch` does not do for requests
 * that must not run twice: it repeats one whose connection breaks off, and tells a refused
 * connection from a broken one by the text of a message only.
 *
 * @module
 */

import { IncomingBody } from "./body.ts";
import { BadMessage, NeverSent } from "./failures.ts";
import { parseResponseHead, type ResponseHead } from "./head.ts";
import { Input } from "./input.ts";
import { beginRequest, type HttpRequest, type RequestRest } from "./request.ts";

/** Most interim responses (1xx) before the real one. */
const maxInterim = 16;

/** What a connection needs of the one below. */
export type Wire = Pick<Deno.Conn, "read" | "write" | "close">;

/** The response to a request, its body still to be read. */
export interface IncomingResponse {
  readonly head: ResponseHead;
  readonly body: IncomingBody;
}

/** One connection. */
export class Connection implements Disposable {
  readonly #wire: Wire;
  readonly #input: Input;
  #state: "idle" | "sending" | "sent" | "closed" = "sent";
  #keepsAlive = true;
  /** What is still to be sent of the request under way. */
  #rest: RequestRest | undefined;

  /** @param wire owned by it from now on */
  constructor(wire: Wire) {
    this.#wire = wire;
    this.#input = new Input(wire);
  }

  /** True once it cannot be used any more. */
  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /**
   * True if another request may follow, once the response's body was read. Whoever answered before it
   * had read a whole request would take the rest for the next one.
   */
  get isReusable(): boolean {
    return this.#state === "sent" && this.#keepsAlive && this.#input.isQuiet;
  }

  /**
   * Watches the connection while it is idle.
   *
   * @param gone called if the other side closes it meanwhile, or sends something unasked
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
   * Sends a request, once, and reads the head of its response.
   *
   * @throws {NeverSent} if not a byte of it was sent; {ConnectionBroken} or {BadMessage} if it may
   *   have been carried out
   */
  async ask(request: HttpRequest): Promise<IncomingResponse> {
    if (this.isClosed) throw new NeverSent("The connection had ended before the request");
    this.#state = "sending";
    this.#rest = await beginRequest(this.#wire, request);
    if (this.#rest) this.#sendRest(this.#rest, request);
    else this.#sent();
    for (let count = 0; count <= maxInterim; count++) {
      const head = parseResponseHead(await this.#input.head(), request.method);
      if (head.status === 101) throw new BadMessage("switches protocols unasked");
      if (head.status < 200) continue;
      this.#keepsAlive = head.keepAlive;
      return { head, body: new IncomingBody(this.#input, head.framing) };
    }
    throw new BadMessage("does not come to its end");
  }

  /** Closes it; what is under way on it breaks. */
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
      // The other side may answer and close before it has read all, so its response is still waited
      // for; but the rest of a stream that broke off would be waited for by both sides.
      if (body instanceof ReadableStream) this[Symbol.dispose]();
    });
  }

  #sent(): void {
    this.#rest = undefined;
    if (this.#state === "sending") this.#state = "sent";
  }
}

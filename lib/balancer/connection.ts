/**
 * A connection to a node, reused for one exchange after the other. Deno's `fetch` does not do for
 * this: it repeats a request whose connection breaks off, which would run a function twice, and tells
 * a refused connection from a broken one by the text of a message only.
 *
 * @module
 */

import {
  type AnswerHead,
  BadMessage,
  type Framing,
  type HeaderPair,
  parseAnswerHead,
  requestHead,
} from "./http_head.ts";

/** Longest head of an answer. */
const maxHeadBytes = 64 << 10;
/** What is read at once. */
const bufferBytes = 64 << 10;
/** Bodies up to this size are sent together with their head. */
const maxJoinedBytes = 64 << 10;
/** Longest line before a chunk. */
const maxChunkLineBytes = 1024;

/** A request to a node. */
export interface UpstreamRequest {
  /** Verb. */
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Headers without those that delimit the body. */
  readonly headers: readonly HeaderPair[];
  /** Body, whole or in parts. */
  readonly body: Uint8Array | ReadableStream<Uint8Array> | undefined;
}

/** The connection ended before the answer did; the request may have been carried out. */
export class ConnectionBroken extends Error {
  /** The class, for logs. */
  override readonly name = "ConnectionBroken";
}

/** One connection. */
export class Connection implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(bufferBytes);
  #start = 0;
  #end = 0;
  /** The read that notices the end of an idle connection, and otherwise begins the next answer. */
  #ahead: Promise<number | null> | undefined;
  #state: "idle" | "sending" | "sent" | "closed" = "sent";

  /** A connection that was just made. */
  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** True once it cannot be used any more. */
  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** True once the last request was sent as a whole. */
  get isSent(): boolean {
    return this.#state === "sent";
  }

  /**
   * Watches the connection while nothing is asked.
   *
   * @param gone called if the other side closes it meanwhile, or sends something unasked
   */
  idle(gone: () => void): void {
    this.#state = "idle";
    this.#start = this.#end = 0;
    this.#ahead = this.#conn.read(this.#buffer);
    const settled = () => {
      if (this.#state !== "idle") return;
      this[Symbol.dispose]();
      gone();
    };
    this.#ahead.then(settled, settled);
  }

  /**
   * Sends a request and reads the head of its answer.
   *
   * @throws {ConnectionBroken} or {BadMessage}
   */
  async ask(request: UpstreamRequest): Promise<AnswerHead> {
    this.#state = "sending";
    this.#send(request).then(() => {
      if (this.#state === "sending") this.#state = "sent";
    }, () => {
      // A node may answer and close before it has read all, so its answer is still waited for; but
      // the rest of a stream that broke off would be waited for by both sides.
      if (request.body instanceof ReadableStream) this[Symbol.dispose]();
    });
    for (;;) {
      const head = parseAnswerHead(await this.#head(), request.method);
      if (head.status === 101) throw new BadMessage("it switched protocols unasked");
      // Other interim answers come before the real one.
      if (head.status >= 200) return head;
    }
  }

  /**
   * The next part of an answer's body.
   *
   * @param body what is left of it
   * @returns undefined at its end
   * @throws {ConnectionBroken} or {BadMessage}
   */
  async part(body: BodyState): Promise<Uint8Array | undefined> {
    if (body.framing === "chunked" && body.left === 0) await this.#beginChunk(body);
    if (body.left === 0) return undefined;
    if (this.#start === this.#end && !await this.#fill()) {
      if (body.framing === "eof") return undefined;
      throw new ConnectionBroken("it closed the connection within its answer");
    }
    const size = Math.min(this.#end - this.#start, body.left);
    const part = this.#buffer.slice(this.#start, this.#start + size);
    this.#start += size;
    body.left -= size;
    if (body.framing === "chunked" && body.left === 0) await this.#line();
    return part;
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#conn.close();
  }

  async #send({ method, path, headers, body }: UpstreamRequest): Promise<void> {
    const isStream = body instanceof ReadableStream;
    const length = isStream ? undefined : body?.length ?? 0;
    const head = latin1(requestHead(method, path, headers, length));
    if (isStream) {
      await this.#write(head);
      for await (const part of body) if (part.length > 0) await this.#writeChunk(part);
      await this.#write(new TextEncoder().encode("0\r\n\r\n"));
    } else if (!body || body.length <= maxJoinedBytes) {
      await this.#write(join(head, body ?? new Uint8Array()));
    } else {
      await this.#write(head);
      await this.#write(body);
    }
  }

  async #writeChunk(part: Uint8Array): Promise<void> {
    await this.#write(new TextEncoder().encode(`${part.length.toString(16)}\r\n`));
    await this.#write(part);
    await this.#write(new TextEncoder().encode("\r\n"));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  async #head(): Promise<string> {
    for (let from = this.#start;;) {
      const end = endOfHead(this.#buffer.subarray(0, this.#end), from);
      if (end >= 0) {
        const text = new TextDecoder("latin1").decode(this.#buffer.subarray(this.#start, end));
        this.#start = end + 4;
        return text;
      }
      if (this.#end - this.#start >= maxHeadBytes) throw new BadMessage("its headers are too long");
      if (!await this.#fill()) throw new ConnectionBroken("it closed the connection unanswered");
      from = this.#start;
    }
  }

  async #beginChunk(body: BodyState): Promise<void> {
    const line = await this.#line();
    const [, digits] = /^([0-9a-fA-F]{1,12})\s*(?:;.*)?$/.exec(line) ?? [];
    if (!digits) throw new BadMessage("its answer has a bad chunk");
    body.left = parseInt(digits, 16);
    // Trailers are not passed on.
    if (body.left === 0) { while (await this.#line() !== ""); }
  }

  async #line(): Promise<string> {
    for (;;) {
      const at = this.#buffer.subarray(this.#start, this.#end).indexOf(10);
      if (at >= 0) {
        const line = this.#buffer.subarray(this.#start, this.#start + at);
        this.#start += at + 1;
        return new TextDecoder("latin1").decode(line).replace(/\r$/, "");
      }
      if (this.#end - this.#start > maxChunkLineBytes) {
        throw new BadMessage("its lines are too long");
      }
      if (!await this.#fill()) {
        throw new ConnectionBroken("it closed the connection within its answer");
      }
    }
  }

  /** Reads more behind what is left. @returns false at the end of the stream */
  async #fill(): Promise<boolean> {
    if (!this.#ahead) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const reading = this.#ahead ?? this.#conn.read(this.#buffer.subarray(this.#end));
    this.#ahead = undefined;
    try {
      const count = await reading;
      this.#end += count ?? 0;
      return count !== null;
    } catch (cause) {
      throw new ConnectionBroken("the connection broke off", { cause });
    }
  }
}

/** What is left of a body. */
export interface BodyState {
  /** How it is delimited. */
  readonly framing: Framing;
  /** Bytes until its end, or the end of its chunk; infinite until the end of the connection. */
  left: number;
}

/** A body of which nothing was read. */
export function bodyState(framing: Framing): BodyState {
  if (framing === "eof") return { framing, left: Infinity };
  return { framing, left: framing === "chunked" ? 0 : framing };
}

/** Where the empty line begins that ends a head, or -1. */
function endOfHead(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(13, from); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) return at;
  }
  return -1;
}

/** Bytes of text in which each character stands for one, as in headers. */
function latin1(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return bytes.length === text.length ? bytes : Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function join(head: Uint8Array, body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}

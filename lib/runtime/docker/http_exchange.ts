/**
 * One HTTP/1 exchange on a connection of its own. Executors of the Go project answer in HTTP/1.0
 * without a length, and a request may have run once its first byte is sent, so it must never be
 * repeated: Deno's `fetch` repeats one whose connection closes early, and its `node:http` throws
 * beside the promise when an answer breaks off.
 *
 * @module
 */

/** Longest status line and headers of an answer. */
const maxHeadBytes = 64 << 10;
const chunkBytes = 64 << 10;

/** What was answered. */
export interface HttpAnswer {
  /** Status code. */
  readonly status: number;
  /** Body, with any chunked coding undone. */
  readonly body: Uint8Array;
}

/** Where to send what, and how much may come back. */
export interface HttpExchange {
  /** IP address. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** Path of the POST. */
  readonly path: string;
  /** JSON in UTF-8. */
  readonly body: Uint8Array;
  /** Longest body that is taken. */
  readonly maxBytes: number;
}

/** The connection ended before the answer did. */
export class ConnectionLost extends Error {
  /** The class, for logs. */
  override readonly name = "ConnectionLost";
}

/** The answer is not HTTP, or longer than it may be. */
export class BadAnswer extends Error {
  /** The class, for logs. */
  override readonly name = "BadAnswer";
}

/**
 * Sends a POST and reads the answer.
 *
 * @param exchange what to send where
 * @param signal closes the connection
 * @throws {ConnectionLost} or {BadAnswer}
 */
export async function postOnce(exchange: HttpExchange, signal: AbortSignal): Promise<HttpAnswer> {
  const { host, port, path, body } = exchange;
  let conn: Deno.TcpConn;
  try {
    conn = await Deno.connect({ hostname: host, port });
  } catch (cause) {
    throw new ConnectionLost("no connection", { cause });
  }
  const close = () => closeQuietly(conn);
  signal.addEventListener("abort", close, { once: true });
  try {
    if (signal.aborted) throw new ConnectionLost("given up");
    await write(
      conn,
      new TextEncoder().encode(
        `POST ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
      ),
    );
    await write(conn, body);
    return await new AnswerReader(conn, exchange.maxBytes).read();
  } catch (cause) {
    if (cause instanceof BadAnswer || cause instanceof ConnectionLost) throw cause;
    throw new ConnectionLost((cause as Error).message, { cause });
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // The signal closed it.
  }
}

async function write(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Something to read bytes from. */
export type ByteSource = Pick<Deno.Conn, "read">;

/** Reads one answer from a stream (RFC 9112). */
export class AnswerReader {
  readonly #source: ByteSource;
  readonly #maxBytes: number;
  #buffer = new Uint8Array(chunkBytes);
  #start = 0;
  #end = 0;

  /**
   * Nothing is read yet.
   *
   * @param source where the answer comes from
   * @param maxBytes longest body
   */
  constructor(source: ByteSource, maxBytes: number) {
    this.#source = source;
    this.#maxBytes = maxBytes;
  }

  /**
   * Reads the answer.
   *
   * @throws {ConnectionLost} where the stream ends within it, {BadAnswer} where it is not HTTP
   */
  async read(): Promise<HttpAnswer> {
    for (;;) {
      const match = /^HTTP\/1\.[01] (\d{3})/.exec(await this.#line());
      if (!match) throw new BadAnswer("is not HTTP/1");
      const status = Number(match[1]);
      const headers = await this.#headers();
      // 1xx answers come before the real one.
      if (status >= 200) return { status, body: await this.#body(headers) };
    }
  }

  async #headers(): Promise<Map<string, string>> {
    const headers = new Map<string, string>();
    let size = 0;
    for (let line = await this.#line(); line !== ""; line = await this.#line()) {
      size += line.length;
      if (size > maxHeadBytes) throw new BadAnswer("has too long headers");
      const colon = line.indexOf(":");
      if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    return headers;
  }

  async #body(headers: ReadonlyMap<string, string>): Promise<Uint8Array> {
    if (headers.get("transfer-encoding")?.toLowerCase().includes("chunked")) {
      return await this.#chunks();
    }
    const length = headers.get("content-length");
    if (length === undefined) return await this.#rest();
    if (!/^\d+$/.test(length)) throw new BadAnswer("has a bad Content-Length");
    return await this.#exactly(Number(length));
  }

  async #chunks(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const line = await this.#line();
      if (!/^[0-9a-fA-F]+/.test(line)) throw new BadAnswer("has a bad chunk");
      const length = parseInt(line, 16);
      if (length === 0) return join(parts, size);
      size += length;
      this.#bound(size);
      parts.push(await this.#exactly(length));
      await this.#line();
    }
  }

  async #rest(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let size = 0;
    do {
      parts.push(this.#buffer.slice(this.#start, this.#end));
      size += this.#end - this.#start;
      this.#bound(size);
      this.#start = this.#end;
    } while (await this.#fill());
    return join(parts, size);
  }

  async #exactly(length: number): Promise<Uint8Array> {
    this.#bound(length);
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const part = this.#buffer.subarray(
        this.#start,
        Math.min(this.#end, this.#start + length - at),
      );
      bytes.set(part, at);
      at += part.length;
      this.#start += part.length;
      if (at < length && !await this.#fill()) throw new ConnectionLost("closed within the answer");
    }
    return bytes;
  }

  async #line(): Promise<string> {
    for (;;) {
      const at = this.#buffer.subarray(this.#start, this.#end).indexOf(10);
      if (at >= 0) {
        const line = this.#buffer.subarray(this.#start, this.#start + at);
        this.#start += at + 1;
        return new TextDecoder().decode(line).replace(/\r$/, "");
      }
      if (this.#end - this.#start === this.#buffer.length) {
        throw new BadAnswer("has too long lines");
      }
      if (!await this.#fill()) throw new ConnectionLost("closed without a whole answer");
    }
  }

  /** Reads more behind what is left. @returns false at the end of the stream */
  async #fill(): Promise<boolean> {
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const count = await this.#source.read(this.#buffer.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }

  #bound(size: number): void {
    if (size > this.#maxBytes) throw new BadAnswer(`is longer than ${this.#maxBytes} bytes`);
  }
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

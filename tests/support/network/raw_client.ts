/**
 * A client that is scripted byte by byte.
 *
 * @module
 */

import { closeQuietly } from "./raw_server.ts";

/** A connection to a server on loopback. Disposing it closes it. */
export class RawClient implements Disposable {
  readonly conn: Deno.TcpConn;
  readonly #decoder = new TextDecoder("latin1");
  readonly #buffer = new Uint8Array(1 << 16);
  /** All that came and was not taken. */
  seen = "";
  hasEnded = false;

  private constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  /** Connects, and sends the beginning. */
  static async open(port: number, text = ""): Promise<RawClient> {
    const client = new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    if (text !== "") await client.send(text);
    return client;
  }

  /** Sends text of characters below 256. */
  async send(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }

  /** Ends the sending side. */
  halfClose(): Promise<void> {
    return this.conn.closeWrite();
  }

  /** Reads until a text has come, or the end. @returns all up to and with that text */
  async until(text: string): Promise<string> {
    while (!this.seen.includes(text) && await this.#more());
    const at = this.seen.indexOf(text);
    return this.#take(at < 0 ? this.seen.length : at + text.length);
  }

  /** Reads to the end, which may be a reset. */
  async rest(): Promise<string> {
    while (await this.#more());
    return this.#take(this.seen.length);
  }

  /** One response whose head tells its length. */
  async response(): Promise<{ status: number; head: string; body: string }> {
    const head = await this.until("\r\n\r\n");
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? NaN);
    while (this.seen.length < length && await this.#more());
    return {
      status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]),
      head,
      body: this.#take(length || 0),
    };
  }

  [Symbol.dispose](): void {
    closeQuietly(this.conn);
  }

  #take(length: number): string {
    const text = this.seen.slice(0, length);
    this.seen = this.seen.slice(length);
    return text;
  }

  async #more(): Promise<boolean> {
    if (this.hasEnded) return false;
    const count = await this.conn.read(this.#buffer).catch(() => null);
    if (count === null) this.hasEnded = true;
    else this.seen += this.#decoder.decode(this.#buffer.subarray(0, count), { stream: true });
    return count !== null;
  }
}

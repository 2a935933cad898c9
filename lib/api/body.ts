/**
 * Bodies of requests: read once, never more than a bound.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { parseJson } from "../model/json.ts";

/** Bytes in a MiB. */
const mib = 1 << 20;

/** Reads the bodies of requests. */
export class BodyReader {
  readonly #maxMib: number;
  readonly #maxBytes: number;

  /**
   * Makes a reader.
   *
   * @param maxMib largest body that is accepted
   */
  constructor(maxMib: number) {
    this.#maxMib = maxMib;
    this.#maxBytes = maxMib * mib;
  }

  /**
   * Reads a body as UTF-8 text.
   *
   * @param request whose body; an absent one is empty
   * @throws `PAYLOAD_TOO_LARGE`, as soon as that is known; `INVALID_REQUEST` if it does not
   *   arrive whole
   */
  async text(request: Request): Promise<string> {
    if (!this.#lengthIsKnown(request)) return new TextDecoder().decode(await this.#read(request));
    return await request.text().catch(brokenOff);
  }

  /**
   * Reads a body as it is.
   *
   * @param request whose body; an absent one is empty
   * @throws as {@link BodyReader.text}
   */
  async bytes(request: Request): Promise<Uint8Array<ArrayBuffer>> {
    if (!this.#lengthIsKnown(request)) return await this.#read(request);
    return await request.bytes().catch(brokenOff);
  }

  /**
   * Reads a body as JSON.
   *
   * @param request whose body
   * @throws as {@link BodyReader.text}, and `INVALID_REQUEST` if it is not JSON
   */
  async json(request: Request): Promise<unknown> {
    return parseJson(await this.text(request));
  }

  /** True if the announced length, which HTTP servers hold clients to, is within the bound. */
  #lengthIsKnown(request: Request): boolean {
    const announced = request.headers.get("content-length");
    if (announced === null) return false;
    if (Number(announced) > this.#maxBytes) throw this.#tooLarge();
    return true;
  }

  async #read(request: Request): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of request.body ?? []) {
        length += chunk.length;
        if (length > this.#maxBytes) throw this.#tooLarge();
        chunks.push(chunk);
      }
    } catch (thrown) {
      if (thrown instanceof ServerledgeError) throw thrown;
      brokenOff(thrown);
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  #tooLarge(): ServerledgeError {
    return new ServerledgeError(
      "PAYLOAD_TOO_LARGE",
      `The body is larger than ${this.#maxMib} MiB: send less, or raise api.body.max of the node`,
      { details: { maxBytes: this.#maxBytes } },
    );
  }
}

function brokenOff(cause: unknown): never {
  const message = "The body did not arrive whole: its client left, or broke HTTP's rules";
  throw new ServerledgeError("INVALID_REQUEST", message, { cause });
}

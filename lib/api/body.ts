/**
 * Bodies of requests: read once, never more than a bound.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { TooLong } from "../http/failures.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { parseJson } from "../model/json.ts";

/** Bytes in a MiB. */
const mib = 1 << 20;

/** A request, as far as its body is concerned. */
type WithBody = Pick<IncomingRequest, "body">;

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
  async text({ body }: WithBody): Promise<string> {
    try {
      return await body.text(this.#maxBytes);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /**
   * Reads a body as it is.
   *
   * @param request whose body; an absent one is empty
   * @throws as {@link BodyReader.text}
   */
  async bytes({ body }: WithBody): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await body.whole(this.#maxBytes);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /**
   * Reads a body as JSON.
   *
   * @param request whose body
   * @throws as {@link BodyReader.text}, and `INVALID_REQUEST` if it is not JSON
   */
  async json(request: WithBody): Promise<unknown> {
    return parseJson(await this.text(request));
  }

  #explained(cause: unknown): ServerledgeError {
    if (cause instanceof TooLong) {
      return new ServerledgeError(
        "PAYLOAD_TOO_LARGE",
        `The body is larger than ${this.#maxMib} MiB: send less, or raise api.body.max of the node`,
        { details: { maxBytes: this.#maxBytes } },
      );
    }
    const message = "The body did not arrive whole: its client left, or broke HTTP's rules";
    return new ServerledgeError("INVALID_REQUEST", message, { cause });
  }
}

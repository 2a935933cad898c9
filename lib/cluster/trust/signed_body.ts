/**
 * Bodies that are compared with their digest while they are read.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { sha256 } from "../../base/digest.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { Body } from "../../http/body.ts";

/** Body of a signed request. Reading it fails if it is not the one that was signed. */
export class SignedBody extends Body {
  readonly #body: Body;
  readonly #digest: string;
  /** Created on demand, since a body that arrives whole needs none. */
  #hash: Hash | undefined;

  /**
   * Wraps a body of which nothing was read.
   *
   * @param digest its SHA-256 in hex
   */
  constructor(body: Body, digest: string) {
    super();
    this.#body = body;
    this.#digest = digest;
  }

  /** Part of {@link Body}. */
  override get length(): number | undefined {
    return this.#body.length;
  }

  /** Part of {@link Body}. @throws `UNAUTHORIZED` at the end */
  override async part(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const part = await this.#body.part();
    const hash = this.#hash ??= createHash("sha256");
    if (part) hash.update(part);
    else if (hash.digest("hex") !== this.#digest) throw changedBody();
    return part;
  }

  /** Part of {@link Body}. @throws `UNAUTHORIZED` */
  override async whole(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#body.whole(maxBytes);
    if (await sha256(bytes) !== this.#digest) throw changedBody();
    return bytes;
  }
}

/**
 * Passes a stream on, which fails at its end if it does not have the digest.
 *
 * @param digest SHA-256 in hex
 */
export function checkedStream(
  stream: ReadableStream<Uint8Array>,
  digest: string,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  const hash = createHash("sha256");
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (value) {
        hash.update(value);
        controller.enqueue(value);
      }
      if (!done) return;
      if (hash.digest("hex") === digest) controller.close();
      else controller.error(new Error("The body was changed in transit"));
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function changedBody(): ServerledgeError {
  return new ServerledgeError(
    "UNAUTHORIZED",
    "The body of the request is not the one that the sender signed",
  );
}

/**
 * Bodies of requests: read once, never more than a bound.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { sliceBytes, slices } from "../base/slices.ts";
import { readWhole } from "../http/body.ts";
import { TooLong } from "../http/failures.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { parseJson } from "../json/json.ts";
import { JsonScan, JsonScanError } from "../json/scan.ts";
import type { BookedBody } from "./body_budget.ts";
import type { ApiServices } from "./services.ts";

/** Bytes in a MiB. */
const mib = 1 << 20;
/** Bodies up to this length are parsed unseen, bytes. */
const parsedUnseen = 1 << 16;
/** Memory of bodies up to this length is booked before they are read, bytes. */
const bookedAtOnce = 1 << 16;
/** Most values in a longer one: each is an object of some dozen bytes once it is parsed. */
const maxValues = 10_000;

const decoder = new TextDecoder();

/** A request, as far as its body is concerned. */
type WithBody = Pick<IncomingRequest, "body">;

/** Reads the bodies of requests. */
export class BodyReader {
  readonly #services: Pick<ApiServices, "config" | "bodies">;
  readonly #key: "api.body.max" | "code.max";
  readonly #maxBytes: number;

  /**
   * Makes a reader.
   *
   * @param services the node
   * @param key of the configuration, which tells the largest body that is accepted
   */
  constructor(
    services: Pick<ApiServices, "config" | "bodies">,
    key: "api.body.max" | "code.max" = "api.body.max",
  ) {
    this.#services = services;
    this.#key = key;
    this.#maxBytes = services.config[key] * mib;
  }

  /**
   * Reads a body for somebody who keeps it.
   *
   * @param request whose body; an absent one is empty
   * @returns the body, and its place in the node's budget, which has to be disposed
   * @throws `PAYLOAD_TOO_LARGE`, as soon as that is known; `NODE_SATURATED` before anything is read;
   *   `INVALID_REQUEST` if it does not arrive whole
   */
  async booked({ body }: WithBody): Promise<{ bytes: Uint8Array<ArrayBuffer>; held: BookedBody }> {
    const { length } = body;
    if (length !== undefined && length > this.#maxBytes) throw this.#tooLarge();
    const isSmall = length !== undefined && length <= bookedAtOnce;
    this.#services.bodies.check(length ?? 0);
    const held = this.#services.bodies.take(isSmall ? length : 0);
    // A client that sends slowly holds no more than it has sent.
    const part = async () => {
      const bytes = await body.part();
      if (bytes) held.grow(bytes.length);
      return bytes;
    };
    try {
      const bytes = isSmall
        ? await body.whole(this.#maxBytes)
        : await readWhole({ length, part }, this.#maxBytes);
      return { bytes, held };
    } catch (error) {
      held[Symbol.dispose]();
      throw error instanceof ServerledgeError ? error : this.#explained(error);
    }
  }

  /**
   * Reads a body as JSON.
   *
   * @param request whose body
   * @throws as {@link BodyReader.booked}, and `INVALID_REQUEST` if it is not JSON, or holds so many values
   *   that parsing it would hold up others
   */
  async json(request: WithBody): Promise<unknown> {
    const { bytes, held } = await this.booked(request);
    using _ = held;
    if (bytes.length > parsedUnseen) await lookThrough(bytes);
    return parseJson(decoder.decode(bytes));
  }

  #explained(cause: unknown): ServerledgeError {
    if (cause instanceof TooLong) return this.#tooLarge();
    const message = "The body did not arrive whole: its client left, or broke HTTP's rules";
    return new ServerledgeError("INVALID_REQUEST", message, { cause });
  }

  #tooLarge(): ServerledgeError {
    const maxMib = this.#services.config[this.#key];
    return new ServerledgeError(
      "PAYLOAD_TOO_LARGE",
      `The body is larger than ${maxMib} MiB: send less, or raise ${this.#key} of the node`,
      { details: { maxBytes: this.#maxBytes } },
    );
  }
}

async function lookThrough(bytes: Uint8Array): Promise<void> {
  const scan = new JsonScan(bytes);
  try {
    await slices.run(() => scan.advance(sliceBytes) || scan.values > maxValues);
  } catch (cause) {
    if (!(cause instanceof JsonScanError)) throw cause;
    const message = `The body is not JSON: ${cause.message}`;
    throw new ServerledgeError("INVALID_REQUEST", message, { cause });
  }
  if (scan.values > maxValues) {
    throw new ServerledgeError("INVALID_REQUEST", `The body has more than ${maxValues} values`);
  }
}

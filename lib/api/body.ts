/**
 * Reader for bodies of requests, with a limit for their length.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { readWhole } from "../http/body.ts";
import { TooLong } from "../http/failures.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { isObject, parseJson } from "../json/json.ts";
import { liftText, RestTooLong } from "../json/lift.ts";
import { JsonScanError } from "../json/tokens.ts";
import type { ReservedBody } from "./body_budget.ts";
import type { ApiServices } from "./services.ts";

/** Bytes in a MiB. */
const mib = 1 << 20;
/** Maximum length of a body that is parsed without a scan, bytes. */
const parsedUnseen = 1 << 16;
/** Maximum length of a body whose memory is reserved before it is read, bytes. */
const reservedAtOnce = 1 << 16;
/** Maximum length of the parsed part of a longer body, without its code, bytes. */
const maxParsed = mib;
/** Member of a definition that may be long. */
const codeMember = "TarFunctionCode";

const decoder = new TextDecoder();

/** Request with a body. */
type WithBody = Pick<IncomingRequest, "body">;

/** Reads the bodies of requests. */
export class BodyReader {
  readonly #services: Pick<ApiServices, "config" | "bodies">;
  readonly #key: "api.body.max" | "code.max";
  readonly #maxBytes: number;

  /**
   * Creates a reader whose bodies are reserved in the node's budget.
   *
   * @param key key of the configuration that limits the length of a body, MiB
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
   * Reads a body for a caller that keeps it.
   *
   * @param request request with the body; a missing body is empty
   * @returns body and its reservation in the budget of the node, which the caller must dispose
   * @throws `PAYLOAD_TOO_LARGE` as soon as the length is known; `NODE_SATURATED` before the body is read,
   *   or while it grows; `INVALID_REQUEST` if it does not arrive completely
   */
  async reserved(
    { body }: WithBody,
  ): Promise<{ bytes: Uint8Array<ArrayBuffer>; held: ReservedBody }> {
    const { length } = body;
    if (length !== undefined && length > this.#maxBytes) throw this.#tooLarge();
    const isSmall = length !== undefined && length <= reservedAtOnce;
    this.#services.bodies.check(length ?? 0);
    const held = this.#services.bodies.take(isSmall ? length : 0);
    try {
      const bytes = isSmall
        ? await body.whole(this.#maxBytes)
        // A slow client reserves no more memory than it has sent.
        : await readWhole(body, this.#maxBytes, (bytes) => held.grow(bytes));
      return { bytes, held };
    } catch (error) {
      held[Symbol.dispose]();
      throw error instanceof ServerledgeError ? error : this.#explained(error);
    }
  }

  /**
   * Reads a body as JSON.
   *
   * @throws the errors of {@link BodyReader.reserveJson}
   */
  async json(request: WithBody): Promise<unknown> {
    const { value, held } = await this.reserveJson(request);
    using _ = held;
    return value;
  }

  /**
   * Reads a body as JSON for a caller that keeps its code. In a long body, `TarFunctionCode` is a
   * {@link QuotedText} that shares the memory of the body.
   *
   * @returns value and its reservation in the budget of the node, which the caller must dispose
   * @throws the errors of {@link BodyReader.reserved}, and `INVALID_REQUEST` if the body is not JSON, or
   *   contains so much data in addition to code that parsing it would delay other requests
   */
  async reserveJson(request: WithBody): Promise<{ value: unknown; held: ReservedBody }> {
    const { bytes, held } = await this.reserved(request);
    try {
      const isShort = bytes.length <= parsedUnseen;
      return { value: isShort ? parseJson(decoder.decode(bytes)) : await parseLong(bytes), held };
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  }

  #explained(cause: unknown): ServerledgeError {
    if (cause instanceof TooLong) return this.#tooLarge();
    const message = "The body is incomplete: the client disconnected or violated HTTP framing";
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

async function parseLong(bytes: Uint8Array<ArrayBuffer>): Promise<unknown> {
  try {
    const { rest, text } = await liftText(bytes, codeMember, maxParsed, false);
    const value = parseJson(rest);
    const key = text && isObject(value) && Object.keys(value).findLast(isCode);
    return key ? { ...value as object, [key]: text } : value;
  } catch (cause) {
    if (!(cause instanceof JsonScanError || cause instanceof RestTooLong)) throw cause;
    const message = cause instanceof RestTooLong
      ? `The body does not match the schema: ${cause.message}`
      : `The body is not JSON: ${cause.message}`;
    throw new ServerledgeError("INVALID_REQUEST", message, { cause });
  }
}

function isCode(key: string): boolean {
  return key.toLowerCase() === codeMember.toLowerCase();
}

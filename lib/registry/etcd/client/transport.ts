/**
 * Makes a call to one etcd member: JSON over HTTP through etcd's gateway. `gateway.ts` explains why gRPC
 * is not used.
 *
 * @module
 */

import { tryParseObject } from "../../../json/json.ts";
import type { EtcdOptions } from "./options.ts";

/** Error of a failed call: etcd responded with an error, or there was no response. */
export class EtcdError extends Error {
  /** gRPC status code; `UNAVAILABLE` without a response. */
  readonly code: number;

  /**
   * Creates an error with a gRPC status code.
   *
   * @param code gRPC status code
   * @param message message of etcd, or of the connection
   * @param cause the underlying error
   */
  constructor(code: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** gRPC status codes that callers distinguish. */
export const grpc = {
  UNKNOWN: 2,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** Calls the members of one cluster. */
export class EtcdTransport implements Disposable {
  readonly #client: Deno.HttpClient;
  readonly #scheme: "http" | "https";

  /**
   * Creates a transport without connections.
   *
   * @param options certificates
   */
  constructor({ tls }: Pick<EtcdOptions, "tls">) {
    const text = (pem: Uint8Array) => new TextDecoder().decode(pem);
    this.#scheme = tls ? "https" : "http";
    this.#client = Deno.createHttpClient({
      ...(tls?.ca && { caCerts: [text(tls.ca)] }),
      ...(tls?.cert && tls.key && { cert: text(tls.cert), key: text(tls.key) }),
    });
  }

  /**
   * Makes a call.
   *
   * @param endpoint `host:port`, or a URL
   * @param path path of the method, e.g. `/v3/kv/range`
   * @param body the request as JSON
   * @param options.token token of the user, if etcd requires one
   * @param options.signal aborts the call and its response
   * @returns the response, whose body is not read yet
   * @throws EtcdError
   */
  async call(
    endpoint: string,
    path: string,
    body: string,
    options: { token: string | undefined; signal: AbortSignal },
  ): Promise<Response> {
    const base = endpoint.includes("://") ? endpoint : `${this.#scheme}://${endpoint}`;
    try {
      const response = await fetch(new URL(path, base), {
        method: "POST",
        body,
        client: this.#client,
        signal: options.signal,
        headers: {
          ...(options.token && { authorization: options.token }),
          // A member that is cut off from its cluster ends a watch instead of becoming silent.
          "grpc-metadata-hasleader": "true",
        },
      });
      if (response.ok) return response;
      throw await errorOf(response);
    } catch (error) {
      throw asEtcdError(error);
    }
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/**
 * Converts anything thrown by a call, or by reading its response, to an error with a code.
 *
 * @param thrown the caught value
 */
export function asEtcdError(thrown: unknown): EtcdError {
  if (thrown instanceof EtcdError) return thrown;
  const { name, message } = thrown as Error;
  if (name === "TimeoutError") return new EtcdError(grpc.DEADLINE_EXCEEDED, message, thrown);
  return new EtcdError(grpc.UNAVAILABLE, message, thrown);
}

async function errorOf(response: Response): Promise<EtcdError> {
  const text = await response.text();
  // A response that is not etcd's JSON is reported by its status below.
  const { code, message, error } = tryParseObject(text) ?? {};
  if (typeof code === "number") return new EtcdError(code, String(message ?? error));
  if (response.status === 404) {
    return new EtcdError(
      grpc.UNIMPLEMENTED,
      "it does not serve /v3 (etcd 3.4 or later with enable-grpc-gateway does)",
    );
  }
  return new EtcdError(grpc.UNKNOWN, `status ${response.status}`);
}

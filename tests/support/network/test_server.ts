/**
 * An HTTP server of ours on loopback, and requests to it as their bytes.
 *
 * @module
 */

import type { ServerLimits } from "../../../lib/http/server/limits.ts";
import type { HttpHandler, IncomingRequest } from "../../../lib/http/server/messages.ts";
import { HttpServer } from "../../../lib/http/server/server.ts";

/** A server that is listening. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly server: HttpServer;
}

/** A listener whose first attempts to accept fail, as without descriptors. */
export function failingListener(failures: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return {
    port: listener.addr.port,
    accept() {
      if (failures-- <= 0) return listener.accept();
      return Promise.reject(Object.assign(new Error("Too many open files"), { code: "EMFILE" }));
    },
    close: () => listener.close(),
  };
}

/** A server that answers what the handler says, by default with what was asked. */
export function serve(handler: HttpHandler = echo, limits: Partial<ServerLimits> = {}): TestServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refuse = (status: number, message: string) => ({ status, headers: [], body: message });
  const server = new HttpServer({ sources: [listener], handler, refuse, limits });
  return {
    port: listener.addr.port,
    server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Answers what was asked. */
export async function echo({ method, target, body }: IncomingRequest) {
  try {
    return { status: 200, headers: [], body: `${method} ${target} ${await body.text(1 << 24)}` };
  } catch (error) {
    return { status: 400, headers: [], body: (error as Error).message };
  }
}

/** A request without a body. */
export const get = (target: string, ...more: string[]) =>
  [`GET ${target} HTTP/1.1`, "Host: a", ...more, "", ""].join("\r\n");
/** A request with a body. */
export const post = (target: string, body: string, ...more: string[]) =>
  [`POST ${target} HTTP/1.1`, "Host: a", `Content-Length: ${body.length}`, ...more, "", body]
    .join("\r\n");

/** A stream that a test feeds, and that tells when nobody wants it any more. */
export function fed() {
  const cancelled = Promise.withResolvers<void>();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => cancelled.resolve(),
  });
  return {
    body,
    cancelled: cancelled.promise,
    add: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    fail: () => controller.error(new Error("broken")),
  };
}

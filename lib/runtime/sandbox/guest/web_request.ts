/**
 * Raw HTTP requests in the form in which functions in sandboxes receive them.
 *
 * @module
 */

import type { InvocationContext } from "./loader.ts";

/** Call by raw HTTP request; see the node's `HttpEvent`. */
export interface HttpEvent {
  /** HTTP method. */
  readonly method: string;
  /** Path and query as the client sent them. Optional in events that a client writes itself. */
  readonly url?: string;
  /** Path after the function's name. */
  readonly path: string;
  /** Decoded query. */
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Body as text or base64. */
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/**
 * Reports whether a function's params are a raw HTTP request.
 *
 * @param params of the call
 */
export function isHttpEvent(params: unknown): params is HttpEvent {
  const event = params as Partial<HttpEvent> | null;
  return typeof event === "object" && event !== null && typeof event.method === "string" &&
    typeof event.path === "string" && typeof event.headers === "object" &&
    event.headers !== null && typeof event.body === "string" &&
    typeof event.isBase64Encoded === "boolean";
}

/** Returns the path and query of a request as the client sent them, or an equivalent if `url` is missing. */
export function targetOf({ url, path, query }: HttpEvent): string {
  const target = url ?? path + searchOf(query ?? {});
  return target.startsWith("/") ? target : `/${target}`;
}

/** Returns the bytes of a request's body. */
export function bodyOf({ body, isBase64Encoded }: HttpEvent): Uint8Array<ArrayBuffer> {
  return isBase64Encoded ? Uint8Array.fromBase64(body) : new TextEncoder().encode(body);
}

/** Methods whose requests have no body in the Fetch standard. */
const bodiless: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Converts a call to a `Request`. A raw HTTP request keeps its method, path and headers; any other call
 * becomes a POST to `/` with its params as JSON.
 */
export function toRequest(params: unknown, context: InvocationContext): Request {
  const { signal, functionName } = context;
  const base = `http://${functionName.toLowerCase().replace(/[^a-z0-9.-]/g, "-")}`;
  if (!isHttpEvent(params)) {
    return new Request(`${base}/`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(params),
      signal,
    });
  }
  const { method, headers } = params;
  const target = targetOf(params);
  const body = params.body === "" || bodiless.has(method) ? null : bodyOf(params);
  // Concatenates instead of resolving: a path that begins with two slashes would name another host.
  const url = (originOf(headers) ?? base) + target;
  const request = new Request(url, { method, headers: { ...headers }, body, signal });
  return withQuery(request, target);
}

/** @returns undefined if the header is not exactly a host with an optional port */
function originOf(
  { host, "x-forwarded-proto": protocol }: HttpEvent["headers"],
): string | undefined {
  if (!host || /[^\w.:[\]%~!$&'()*+,;=-]/.test(host)) return undefined;
  return URL.canParse(`http://${host}/`)
    ? `${protocol === "https" ? "https" : "http"}://${host}`
    : undefined;
}

/**
 * Restores the original query, because `URL` percent-encodes some characters that HTTP allows unencoded
 * (`'`).
 */
function withQuery(request: Request, target: string): Request {
  const mark = target.indexOf("?");
  const search = mark < 0 ? "" : target.slice(mark);
  if (search === "" || request.url.endsWith(search)) return request;
  const value = request.url.replace(/\?.*$/s, "") + search;
  return Object.defineProperty(request, "url", { value });
}

function searchOf(query: Readonly<Record<string, string | readonly string[]>>): string {
  const search = new URLSearchParams();
  for (const [key, values] of Object.entries(query)) {
    for (const value of [values].flat()) search.append(key, String(value));
  }
  return search.size > 0 ? `?${search}` : "";
}

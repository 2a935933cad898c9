/**
 * Requests over plain HTTP as functions in sandboxes see them.
 *
 * @module
 */

import type { InvocationContext } from "./loader.ts";

/** A call by plain HTTP; see the node's `HttpEvent`. */
export interface HttpEvent {
  /** Verb. */
  readonly method: string;
  /** Path and query as they were sent; whoever makes an event by hand may leave it out. */
  readonly url?: string;
  /** What follows the function's name. */
  readonly path: string;
  /** The query, decoded. */
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or base64. */
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/**
 * Whether a function's params are a request over plain HTTP.
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

/** Path and query of a request, as they were sent as far as that is known. */
export function targetOf({ url, path, query }: HttpEvent): string {
  const target = url ?? path + searchOf(query ?? {});
  return target.startsWith("/") ? target : `/${target}`;
}

/** The bytes of a request's body. */
export function bodyOf({ body, isBase64Encoded }: HttpEvent): Uint8Array<ArrayBuffer> {
  return isBase64Encoded ? Uint8Array.fromBase64(body) : new TextEncoder().encode(body);
}

/** Verbs whose requests have no body in the Fetch standard. */
const bodiless: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * The request that a call is: itself if it came by plain HTTP; else a POST to `/` with its params as JSON.
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
  // Put together, not resolved: a path that begins with two slashes would be another host.
  const url = (originOf(headers.host) ?? base) + target;
  const request = new Request(url, { method, headers: { ...headers }, body, signal });
  return withQuery(request, target);
}

/** @returns undefined where the header is no host, or more than that */
function originOf(host: string | undefined): string | undefined {
  if (!host || /[^\w.:[\]%~!$&'()*+,;=-]/.test(host)) return undefined;
  return URL.canParse(`http://${host}/`) ? `http://${host}` : undefined;
}

/** `URL` percent-encodes some characters of a query that may stand for themselves in HTTP (`'`). */
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

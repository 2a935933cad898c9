/**
 * Encoding of requests.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { addressOf } from "../../http/address.ts";
import { type HeaderPair, requestHead } from "../../http/head.ts";
import { joinText } from "../../http/output.ts";
import {
  invocationValidator,
  plainValidator,
  type ResponseValidator,
} from "./response_validator.ts";
import type { RequestKind } from "./plan.ts";
import type { ScenarioRequest } from "./scenario.ts";

/** Maximum size of a body, bytes. */
const maxBodyBytes = 64 << 20;
/** Headers that the generator sets itself. */
const ownHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "transfer-encoding",
  "host",
]);

/** Keys that only invocations have. */
const ofFunctions = ["params", "offload", "node"] as const;
/** Keys that only requests to URLs have. */
const ofUrls = ["method", "body"] as const;

/**
 * Encodes a request of a scenario.
 *
 * @param target node or other server for invocations
 * @throws `INVALID_REQUEST` if the request is invalid
 */
export function kindOf(
  request: ScenarioRequest,
  target: { readonly node: string; readonly isPlain: boolean; readonly key?: string | undefined },
): RequestKind {
  const isUrl = request.url !== undefined;
  if (isUrl === (request.function !== undefined)) {
    throw refused("Each request needs either a function or a URL");
  }
  const foreign = (isUrl ? ofFunctions : ofUrls).find((key) => request[key] !== undefined);
  if (foreign) throw refused(`A ${isUrl ? "URL" : "function"} has no "${foreign}"`);
  const url = isUrl ? parseUrl(request.url!) : invokeUrl(request, target.node);
  const body = new TextEncoder().encode(isUrl ? request.body ?? "" : invokeBody(request));
  if (body.length > maxBodyBytes) throw refused(`A body must have at most ${maxBodyBytes} bytes`);
  const method = isUrl ? request.method ?? (body.length > 0 ? "POST" : "GET") : "POST";
  if (!/^[A-Z]{1,20}$/.test(method)) throw refused(`"${method}" is not an HTTP method`);
  const className = request.class === undefined ? "" : String(request.class);
  // Other nodes of a scenario may have other keys, which it names as headers.
  const sendsKey = !isUrl && request.node === undefined && target.key !== undefined;
  const headers = sendsKey
    ? { authorization: `Bearer ${target.key}`, ...request.headers }
    : request.headers ?? {};
  return {
    function: isUrl ? `${method} ${url.pathname}${url.search}` : request.function!,
    class: className,
    weight: request.weight ?? 1,
    isInvocation: !isUrl,
    origin: addressOf(url.href),
    method,
    bytes: joinText(headOf(method, url, headers, body.length), body),
    limitMs: request.limit === undefined ? undefined : request.limit * 1000,
    validator: validatorOf(request, isUrl || target.isPlain),
  };
}

function validatorOf({ expect }: ScenarioRequest, isPlain: boolean): ResponseValidator | undefined {
  if (!isPlain) return invocationValidator(expect);
  return expect === undefined ? undefined : plainValidator(expect);
}

function invokeUrl(request: ScenarioRequest, node: string): URL {
  const { pathname, origin, search } = parseUrl(request.node ?? node);
  if (pathname !== "/" || search) throw refused(`${request.node ?? node}: use http://HOST:PORT`);
  return new URL(`/invoke/${encodeURIComponent(request.function!)}`, origin);
}

function invokeBody(request: ScenarioRequest): string {
  const { class: qosClass = 0 } = request;
  return JSON.stringify({
    Params: request.params ?? {},
    QoSClass: typeof qosClass === "string" && /^-?\d+$/.test(qosClass)
      ? Number(qosClass)
      : qosClass,
    ...(request.limit !== undefined && { QoSMaxRespT: request.limit }),
    CanDoOffloading: request.offload ?? true,
  });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url;
  throw refused(`"${text}" is not a URL: use http://HOST:PORT/PATH`);
}

function headOf(
  method: string,
  url: URL,
  given: Readonly<Record<string, string>>,
  length: number,
): string {
  const headers = new Map<string, string>([["user-agent", "serverledge-bench"], ["accept", "*/*"]]);
  if (length > 0) headers.set("content-type", "application/json");
  for (const [name, value] of Object.entries(given)) {
    if (ownHeaders.has(name.toLowerCase())) {
      throw refused(`The generator sets the header ${name} itself: remove it`);
    }
    headers.set(name.toLowerCase(), value);
  }
  const pairs: HeaderPair[] = [["host", url.host], ...headers];
  try {
    return requestHead(method, url.pathname + url.search, pairs, length);
  } catch (cause) {
    throw new ServerledgeError("INVALID_REQUEST", (cause as Error).message, { cause });
  }
}

function refused(reason: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", reason);
}

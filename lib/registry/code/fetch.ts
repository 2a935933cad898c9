/**
 * Fetches code that a definition names by URL, once, when the function is created.
 *
 * @module
 */

import type { ReserveMemory } from "../../base/reserve_memory.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { WholeResponse } from "../../http/client.ts";
import { TooLong } from "../../http/failures.ts";
import { askGuarded, Forbidden } from "../../http/guarded.ts";

/** Maximum number of redirects. */
const maxRedirects = 3;
/** Maximum time of a fetch with its redirects, ms. */
const fetchTimeoutMs = 60_000;

/** Limits of a fetch. */
export interface FetchCodeOptions {
  /** Maximum size of an archive, bytes. */
  readonly maxBytes: number;
  /** Returns whether an address is forbidden. */
  readonly forbids: (address: string) => boolean;
  /** Reserves memory for the archive and what is created from it. */
  readonly reserve: ReserveMemory;
}

/**
 * Fetches an archive. Forbidden targets are rejected, also after a redirect, because the permission
 * to create functions does not include access to the services of this machine.
 *
 * @param url absolute `http:` or `https:` URL
 * @throws `UNPROCESSABLE` or `PAYLOAD_TOO_LARGE`, with the problem of the response
 */
export async function fetchCode(url: URL, options: FetchCodeOptions): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(fetchTimeoutMs);
  let target = url;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const { status, headers, body } = await request(target, options, signal);
    const location = headers.find(([name]) => name === "location")?.[1];
    if (status < 300 || status > 399 || !location) {
      return status === 200 ? body : refuse(target, `responds with status ${status}`);
    }
    target = URL.parse(location, target) ?? refuse(target, "redirects to an invalid URL");
  }
  return refuse(url, `redirects more than ${maxRedirects} times`);
}

async function request(
  url: URL,
  { maxBytes, forbids, reserve }: FetchCodeOptions,
  signal: AbortSignal,
): Promise<WholeResponse> {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    refuse(url, "is neither http nor https");
  }
  const request = { method: "GET", headers: [["accept", "*/*"]] as const, body: undefined };
  try {
    const wantsBody = (status: number) => status === 200;
    return await askGuarded(url, request, { forbids, maxBytes, signal, wantsBody, reserve });
  } catch (cause) {
    if (cause instanceof Forbidden) {
      refuse(
        url,
        "points to this machine or to a link-local address; set code.url.loopback to allow this",
        cause,
      );
    }
    if (cause instanceof TooLong) tooLarge(url, maxBytes);
    if (cause instanceof ServerledgeError) throw cause;
    return refuse(url, `cannot be downloaded: ${(cause as Error).message}`, cause);
  }
}

function tooLarge(url: URL, maxBytes: number): never {
  throw new ServerledgeError(
    "PAYLOAD_TOO_LARGE",
    `TarFunctionCode: the archive at ${url.href} is larger than ${maxBytes} bytes`,
    { details: { path: "TarFunctionCode" } },
  );
}

function refuse(url: URL, problem: string, cause?: unknown): never {
  throw new ServerledgeError("UNPROCESSABLE", `TarFunctionCode: ${url.href} ${problem}`, {
    cause,
    details: { path: "TarFunctionCode" },
  });
}

/**
 * Code that a definition names by URL: fetched once, when the function is created.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { ServerledgeError } from "../base/errors.ts";

/** Redirects that are followed. */
const maxRedirects = 3;
/** How long the whole transfer may take, ms. */
const fetchTimeoutMs = 60_000;

/** What may be fetched. */
export interface FetchCodeOptions {
  /** Largest archive, bytes. */
  readonly maxBytes: number;
  /** True if URLs may point at this machine. */
  readonly allowLoopback: boolean;
}

/**
 * Fetches an archive.
 *
 * Targets on this machine and on its links are refused, also behind a redirect, because whoever may
 * create functions is not thereby somebody who may talk to the node's own services. The check looks
 * at what a name resolves to now: a name server that changes its answer within milliseconds is not
 * held off, for which a node needs a firewall.
 *
 * @param url absolute `http:` or `https:` URL
 * @param options what may be fetched
 * @throws `UNPROCESSABLE` or `PAYLOAD_TOO_LARGE`, saying what the other side answered
 */
export async function fetchCode(url: URL, options: FetchCodeOptions): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(fetchTimeoutMs);
  let target = url;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    await checkTarget(target, options);
    const response = await request(target, signal);
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || !location) {
      return await readBody(target, response, options.maxBytes);
    }
    await response.body?.cancel();
    target = URL.parse(location, target) ?? refuse(target, "redirects to something that is no URL");
  }
  return refuse(url, `redirects more than ${maxRedirects} times`);
}

async function checkTarget(url: URL, { allowLoopback }: FetchCodeOptions): Promise<void> {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    refuse(url, "is neither http nor https");
  }
  if (allowLoopback) return;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) ? [host] : await resolve(url, host);
  if (addresses.some(isLocal)) {
    refuse(url, "points at this machine or its link; code.url.loopback allows that");
  }
}

async function resolve(url: URL, host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    return refuse(url, "has a host name that cannot be resolved", cause);
  }
}

/**
 * Whether an address is of this machine or of a link of it: loopback, link-local (where clouds
 * answer with a machine's credentials), or unspecified.
 *
 * @param address an IPv4 or IPv6 address
 */
export function isLocal(address: string): boolean {
  if (isIP(address) === 4) return localAddresses().check(address, "ipv4");
  // Browsers' spelling, so that a mapped IPv4 address always looks the same.
  const canonical = new URL(`http://[${address.replace(/%.*$/, "")}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (!mapped) return localAddresses().check(canonical, "ipv6");
  const bits = (parseInt(mapped[1]!, 16) << 16 | parseInt(mapped[2]!, 16)) >>> 0;
  return isLocal([24, 16, 8, 0].map((shift) => bits >>> shift & 255).join("."));
}

function localAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet("0.0.0.0", 8, "ipv4");
  list.addSubnet("127.0.0.0", 8, "ipv4");
  list.addSubnet("169.254.0.0", 16, "ipv4");
  list.addAddress("::", "ipv6");
  list.addAddress("::1", "ipv6");
  list.addSubnet("fe80::", 10, "ipv6");
  return list;
}

async function request(url: URL, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { redirect: "manual", signal });
  } catch (cause) {
    return refuse(url, `cannot be fetched: ${(cause as Error).message}`, cause);
  }
}

async function readBody(url: URL, response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (response.status !== 200) {
    await response.body?.cancel();
    refuse(url, `answers with status ${response.status}`);
  }
  try {
    // Leaving the loop early cancels the transfer.
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > maxBytes) tooLarge(url, maxBytes);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof ServerledgeError) throw cause;
    refuse(url, `broke off: ${(cause as Error).message}`, cause);
  }
  return joined(chunks, size);
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
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

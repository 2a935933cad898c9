/**
 * Protection from web pages. A client that can create functions can run code on the node, and a browser
 * on the machine of the node can connect to a node on loopback. Two rules reject foreign pages:
 *
 * 1. A request that changes something (any method except GET and HEAD) and has an `Origin` header must
 *    come from the origin of the node. Browsers add `Origin` to every such request; programs do not.
 *    The same-origin policy of the browser protects reads, since the node sends no CORS headers.
 * 2. The host of a request to a node that listens only on loopback must be an IP address or a
 *    `localhost` name. Otherwise a page could resolve its own name to 127.0.0.1 (DNS rebinding) and
 *    share the origin of the node. A node open to the network may have any name, so the rule is off.
 *
 * Functions served over HTTP (`/fn`) are exempt: they are made for pages, and set their own CORS
 * headers. Pages of functions share the origin of the node, so open a function in a browser only if
 * you trust it with the node.
 *
 * @module
 */

import type { IncomingRequest } from "../http/server/messages.ts";
import { ServerledgeError } from "../base/errors.ts";

const loopbackName = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/i;
const safeHost = /^(([a-z0-9-]+\.)*localhost|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\])\.?(:\d+)?$/i;

/**
 * Returns whether only programs of this machine can connect to an address.
 *
 * @param address address on which a node listens, e.g. `127.0.0.1`
 */
export function isLoopback(address: string): boolean {
  return loopbackName.test(address);
}

/**
 * Creates the check for a node.
 *
 * @param listen address on which the node listens
 * @returns check that throws `FORBIDDEN` for a request of a page of another origin
 */
export function originCheck(
  listen: string,
): (request: Pick<IncomingRequest, "method" | "headers" | "isSecure">) => void {
  const loopbackOnly = isLoopback(listen);
  let accepted: string | null = null;
  return (request) => {
    const host = request.headers.get("host");
    if (loopbackOnly && host !== accepted && host !== null) {
      if (!safeHost.test(host)) throw foreignHost(host);
      accepted = host;
    }
    if (request.method === "GET" || request.method === "HEAD") return;
    const origin = request.headers.get("origin");
    if (origin !== null && !isSameOrigin(origin, host, request.isSecure)) {
      throw foreignOrigin(origin);
    }
  };
}

function isSameOrigin(origin: string, host: string | null, isSecure: boolean): boolean {
  if (host === null || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  // A page may be encrypted though its request is not: a proxy may stand between.
  if (isSecure && page.protocol !== "https:") return false;
  return page.host === host.toLowerCase().replace(isSecure ? /:443$/ : /:80$/, "");
}

function foreignHost(host: string): ServerledgeError {
  return new ServerledgeError(
    "FORBIDDEN",
    `This node listens on loopback only and does not accept the host ${host}: use its IP address or ` +
      "localhost, or change api.listen",
    { details: { host } },
  );
}

function foreignOrigin(origin: string): ServerledgeError {
  return new ServerledgeError(
    "FORBIDDEN",
    `Web pages from ${origin} cannot use this route: call it from a program, or use /fn`,
    { details: { origin } },
  );
}

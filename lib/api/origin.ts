/**
 * Protection from web pages. Whoever can create functions can run code on the node, and a browser
 * on the node's machine reaches a node on loopback. Two rules keep pages of others out:
 *
 * 1. A request that changes something (any verb but GET and HEAD) and carries `Origin`, as browsers
 *    add to every such request, must come from the node's own origin. Programs send no `Origin`.
 *    Reading is left to the browser's same-origin policy: the node sends no CORS headers.
 * 2. A node that listens on loopback only must be called by an IP address or a `localhost` name.
 *    Otherwise a page could point its own name at 127.0.0.1 (DNS rebinding) and be of one origin
 *    with the node. A node open to the network may have any name, so there this rule is off.
 *
 * Functions served over HTTP (`/fn`) are exempt: they are made to be used by pages, and set the CORS
 * headers that they want. Their own pages are of the node's origin, so open functions in a browser
 * only if you trust them with the node.
 *
 * @module
 */

import type { IncomingRequest } from "../http/server/messages.ts";
import { ServerledgeError } from "../base/errors.ts";

const loopbackName = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/i;
const safeHost = /^(([a-z0-9-]+\.)*localhost|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\])\.?(:\d+)?$/i;

/**
 * True if only programs of this machine can reach an address.
 *
 * @param address what a node listens on, e.g. `127.0.0.1`
 */
export function isLoopback(address: string): boolean {
  return loopbackName.test(address);
}

/**
 * Makes the check of one node.
 *
 * @param listen address that the node listens on
 * @returns throws `FORBIDDEN` for a request of a page that is not the node's own
 */
export function originCheck(
  listen: string,
): (request: Pick<IncomingRequest, "method" | "headers">) => void {
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
    if (origin !== null && !isSameOrigin(origin, host)) throw foreignOrigin(origin);
  };
}

function isSameOrigin(origin: string, host: string | null): boolean {
  return host !== null && URL.canParse(origin) &&
    new URL(origin).host === host.toLowerCase().replace(/:80$/, "");
}

function foreignHost(host: string): ServerledgeError {
  return new ServerledgeError(
    "FORBIDDEN",
    `This node listens on loopback only and does not answer as ${host}: ` +
      "call it by its IP address or as localhost, or open it with api.listen",
    { details: { host } },
  );
}

function foreignOrigin(origin: string): ServerledgeError {
  return new ServerledgeError(
    "FORBIDDEN",
    `Pages of ${origin} may not use this route: call it from a program, or use /fn`,
    { details: { origin } },
  );
}

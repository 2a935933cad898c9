/**
 * Digest of the sources of {@link nativePrograms}, for the script that compiles them and for the test
 * which verifies that they were compiled after the last change.
 *
 * @module
 */

import fence from "./fence.c" with { type: "text" };
import init from "./init.c" with { type: "text" };
import json from "./json.h" with { type: "text" };
import relay from "./relay.c" with { type: "text" };
import sockets from "./sockets.h" with { type: "text" };
import stdio from "./stdio.c" with { type: "text" };
import request from "./stdio_request.h" with { type: "text" };
import syscalls from "./syscalls.h" with { type: "text" };

/** Returns the SHA-256 of the sources, hexadecimal. */
export async function sourceDigest(): Promise<string> {
  const sources = [fence, init, relay, sockets, syscalls, stdio, request, json];
  const bytes = new TextEncoder().encode(sources.join("\0"));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

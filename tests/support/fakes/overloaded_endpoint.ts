/**
 * A process that has no descriptor left when an executor connects to an endpoint of it. Run with a
 * low limit of descriptors.
 *
 * Usage: deno run -A overloaded_endpoint.ts SOCKET
 *
 * @module
 */

import { ExecutorEndpoint } from "../../../lib/runtime/wire/endpoint.ts";
import { FrameBatch } from "../../../lib/runtime/wire/frames.ts";

/** Longer than the endpoint's first tries take. */
const overloadMs = 200;

const socket = Deno.args[0]!;
using endpoint = ExecutorEndpoint.open({ path: socket, token: "t" });
const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(Deno.openSync("/dev/null"));
} catch {
  // None is left: one for the executor's side, none for the endpoint's.
  files.pop()!.close();
}
using conn = await Deno.connect({ transport: "unix", path: socket });
const batch = new FrameBatch();
batch.add('{"token":"t"}');
await conn.write(batch.bytes());
let connected = false;
void endpoint.connected.then(() => connected = true);
await new Promise((resolve) => setTimeout(resolve, overloadMs));
const early = connected;
for (const file of files) file.close();
await endpoint.connected;
console.log(early ? "connected without a descriptor" : "connected when there was one again");

/**
 * Calls of the C library on real sockets of this process.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Libc } from "../../lib/http/server/libc.ts";

/** Loaded once, as by a node. */
const libc = new Libc();

/** Opens files until the numbers of descriptors need several slices. */
function manyDescriptors(): Disposable {
  const files = Array.from({ length: 700 }, () => Deno.openSync("/dev/null"));
  return { [Symbol.dispose]: () => files.forEach((file) => file.close()) };
}

Deno.test("Libc: shuts the named connections down without blocking the event loop", async () => {
  using _files = manyDescriptors();
  for (const hostname of ["127.0.0.1", "::1"]) {
    using listener = Deno.listen({ hostname, port: 0 });
    const connect = async () => {
      const { port } = listener.addr;
      return await Promise.all([Deno.connect({ hostname, port }), listener.accept()]);
    };
    const [client, served] = await connect();
    const [other, kept] = await connect();
    let turns = 0;
    const timer = setInterval(() => turns++);
    await libc.shutDown([served]);
    clearInterval(timer);
    assert.ok(turns > 0);
    assert.equal(await client.read(new Uint8Array(1)), null);
    await kept.write(Uint8Array.of(7));
    const byte = new Uint8Array(1);
    await other.read(byte);
    assert.equal(byte[0], 7);
    for (const conn of [client, served, other, kept]) conn.close();
  }
});

Deno.test("Libc: finds the descriptor of the socket that listens last", () => {
  using _files = manyDescriptors();
  using _former = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = () => Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { result, descriptor } = libc.opened(open);
  using _listener = result;
  assert.match(Deno.readLinkSync(`/proc/self/fd/${descriptor}`), /^socket:/);
  assert.ok(libc.sendAtOnce(descriptor!));
});

/**
 * Distance on one machine: a TCP proxy that holds back all that passes, both ways.
 *
 * @module
 */

/** Most bytes that are on their way at once in one direction of one connection. */
const maxOnTheWay = 4 << 20;

/** A running proxy. Disposing it closes its connections. */
export interface DelayProxy extends AsyncDisposable {
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
}

/**
 * Starts a proxy.
 *
 * @param targetPort where it connects to, on 127.0.0.1
 * @param delayMs what one way takes
 */
export function startDelayProxy(targetPort: number, delayMs: number): DelayProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const serving = new Set<Promise<void>>();

  const serve = async (client: Deno.TcpConn) => {
    open.add(client);
    try {
      using server = await Deno.connect({ hostname: "127.0.0.1", port: targetPort });
      open.add(server);
      client.setNoDelay(true);
      server.setNoDelay(true);
      await Promise.all([pass(client, server, delayMs), pass(server, client, delayMs)]);
      open.delete(server);
    } catch {
      // Either end has closed the connection, or nobody listens: the other end sees the same.
    } finally {
      open.delete(client);
      close(client);
    }
  };
  const accepting = (async () => {
    for await (const client of listener) {
      const served = serve(client).finally(() => serving.delete(served));
      serving.add(served);
    }
  })();

  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const conn of open) close(conn);
      await Promise.all(serving);
    },
  };
}

/** Hands on all that is read, each piece as late as the first, in order. */
async function pass(from: Deno.TcpConn, to: Deno.TcpConn, delayMs: number): Promise<void> {
  let written = Promise.resolve();
  let onTheWay = 0;
  let broken: unknown;
  const buffer = new Uint8Array(1 << 16);
  try {
    for (;;) {
      const length = await from.read(buffer);
      if (length === null || broken !== undefined) break;
      const piece = buffer.slice(0, length);
      const arrival = new Promise((resolve) => setTimeout(resolve, delayMs));
      onTheWay += length;
      written = written.then(() => arrival).then(() => writeAll(to, piece)).then(
        () => void (onTheWay -= length),
        (error) => void (broken = error),
      );
      if (onTheWay > maxOnTheWay) await written;
    }
    await written;
    await to.closeWrite();
  } catch (error) {
    // One direction is broken: the other must not wait for ever.
    close(to);
    throw error;
  }
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Closes a connection that may be closed already. */
function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It is closed.
  }
}

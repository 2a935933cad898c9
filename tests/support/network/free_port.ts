/**
 * Ports for programs under test.
 *
 * @module
 */

/**
 * Where ports are looked for: below those that Linux gives to connections on their way out
 * (`net.ipv4.ip_local_port_range` begins at 32768), any of which may be taken a moment later.
 */
const [first, last] = [10_000, 32_000];
const maxTries = 100;

/** A port of loopback that is free now, for TCP and UDP alike. */
export function freePort(): number {
  for (let tries = 0; tries < maxTries; tries++) {
    const port = first + Math.floor(Math.random() * (last - first));
    try {
      using _tcp = Deno.listen({ hostname: "127.0.0.1", port });
      const udp = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port });
      udp.close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`No port from ${first} to ${last} is free`);
}

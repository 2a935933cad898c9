/**
 * The UDP socket for status datagrams.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";

/** A socket for datagrams. */
export type StatusSocket = Pick<Deno.DatagramConn, "send" | "receive" | "close" | "addr">;

/** Port of the socket. */
export interface StatusPort {
  /** 0 takes a free one. */
  readonly port: number;
  /** False to fall back to a free port if it is taken, probably by another node on this machine. */
  readonly isFixed: boolean;
  /** True to receive the datagrams instead of another process of this user, which has offered its port. */
  readonly takesOver?: boolean;
}

/**
 * Opens the socket.
 *
 * @param address at which others reach this node
 * @throws `CONFIG_INVALID` if the port is taken or unavailable
 */
export function openStatusSocket(
  address: string,
  { port, isFixed, takesOver = false }: StatusPort,
): Deno.DatagramConn {
  try {
    return open(address, port, takesOver);
  } catch (error) {
    if (isFixed || !(error instanceof Deno.errors.AddrInUse)) throw bindError(address, port, error);
  }
  try {
    const socket = open(address, 0);
    logger("cluster").info("UDP port {port} is in use: using port {free} for datagrams instead", {
      port,
      free: (socket.addr as Deno.NetAddr).port,
    });
    return socket;
  } catch (error) {
    throw bindError(address, 0, error);
  }
}

function open(address: string, port: number, reuseAddress = false): Deno.DatagramConn {
  const listen = (hostname: string) =>
    Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress });
  try {
    // Bound to this address, so that responses are sent from it on a machine with several.
    return listen(address);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrNotAvailable)) throw error;
    // The address is translated to this machine's by a router.
    return listen(address.includes(":") ? "::" : "0.0.0.0");
  }
}

function bindError(address: string, port: number, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "CONFIG_INVALID",
    `Cannot receive datagrams on ${address} port ${port}: ${
      cause instanceof Error ? cause.message : cause
    }; set registry.udp.port to a free port`,
    { cause },
  );
}

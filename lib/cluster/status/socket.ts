/**
 * The socket for status datagrams.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";

/** Sends and receives datagrams. */
export type StatusSocket = Pick<Deno.DatagramConn, "send" | "receive" | "close" | "addr">;

/**
 * Opens the socket for datagrams.
 *
 * @param address by which others reach this node
 * @param port its port; 0 takes a free one
 * @param isFixed false to take a free one as well where that is taken, by another node of this machine
 *   most likely
 * @throws `CONFIG_INVALID` if the port is taken, or cannot be had
 */
export function openStatusSocket(
  address: string,
  port: number,
  isFixed: boolean,
): Deno.DatagramConn {
  try {
    return open(address, port);
  } catch (error) {
    if (isFixed || !(error instanceof Deno.errors.AddrInUse)) throw refused(address, port, error);
  }
  try {
    const socket = open(address, 0);
    logger("cluster").info("UDP port {port} is taken: datagrams come to port {free} instead", {
      port,
      free: (socket.addr as Deno.NetAddr).port,
    });
    return socket;
  } catch (error) {
    throw refused(address, 0, error);
  }
}

function open(address: string, port: number): Deno.DatagramConn {
  const listen = (hostname: string) => Deno.listenDatagram({ transport: "udp", hostname, port });
  try {
    // Bound to this address answers come from it, also on a machine with several.
    return listen(address);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrNotAvailable)) throw error;
    // An address that a router translates to this machine's.
    return listen(address.includes(":") ? "::" : "0.0.0.0");
  }
}

function refused(address: string, port: number, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "CONFIG_INVALID",
    `Cannot receive datagrams on ${address} port ${port}: ${
      cause instanceof Error ? cause.message : cause
    }; set registry.udp.port to a free port`,
    { cause },
  );
}

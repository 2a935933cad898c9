/**
 * Limits of a server for its clients.
 *
 * @module
 */

/** Limits of a server; times in ms. */
export interface ServerLimits {
  /** Maximum time from the connection, or the first byte of a request, to the end of the head. */
  readonly headMs: number;
  /** Maximum time for which a connection without a request is kept. */
  readonly idleMs: number;
  /** Maximum pause within a body. Also the time that a body may take beyond {@link ServerLimits.bodyRate}. */
  readonly bodyMs: number;
  /** Minimum average rate of a body, bytes/s. */
  readonly bodyRate: number;
  /** Maximum time for which a client may accept no byte of its response. */
  readonly sendMs: number;
  /** Time for which data of a rejected client is discarded to let the client read the response. */
  readonly lingerMs: number;
  /** Maximum number of connections. */
  readonly connections: number;
  /** Maximum number of connections of one address. Only the total limit applies to loopback addresses. */
  readonly connectionsOfAddress: number;
}

/** Default limits of servers. */
export const defaultLimits: ServerLimits = {
  headMs: 10_000,
  idleMs: 75_000,
  bodyMs: 30_000,
  bodyRate: 256,
  sendMs: 60_000,
  lingerMs: 2_000,
  connections: 10_000,
  connectionsOfAddress: 5_000,
};

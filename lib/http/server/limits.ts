/**
 * What clients are held to.
 *
 * @module
 */

/** Bounds of a server; times in ms. */
export interface ServerLimits {
  /** From the connection, or the first byte of a request, to the end of its head. */
  readonly headMs: number;
  /** How long a connection is kept without a request. */
  readonly idleMs: number;
  /** How long a body may stand still, and how long it may take beyond {@link ServerLimits.bodyRate}. */
  readonly bodyMs: number;
  /** Slowest body on the whole, bytes/s. */
  readonly bodyRate: number;
  /** How long a client may take nothing of its response. */
  readonly sendMs: number;
  /** How long what a client still sends is thrown away, so that it reads why it was refused. */
  readonly lingerMs: number;
  /** Most connections. */
  readonly connections: number;
  /** Most connections of one address; those of this machine have only the bound of all. */
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

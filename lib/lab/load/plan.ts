/**
 * Plan of a run: requests, schedule and bounds.
 *
 * @module
 */

import type { ServerAddress } from "../../http/address.ts";
import type { Trust } from "../../http/tls/trust.ts";
import type { ResponseValidator } from "./response_validator.ts";
import type { Arrivals } from "./arrivals.ts";

/** Largest values of a plan. */
export const hardCaps = {
  /** Measured time, s: a day. */
  durationS: 86_400,
  warmUpS: 3600,
  requests: 100_000_000,
  /** Requests per second. */
  rate: 1_000_000,
  /** Connections, and clients of a closed loop. */
  connections: 16_384,
  /** Timeout of a request, s: a day. */
  timeoutS: 86_400,
  /** Kinds of requests. */
  kinds: 64,
} as const;

/** Defaults of a plan. */
export const defaults = {
  /** Measured time, s. */
  durationS: 30,
  warmUpS: 2,
  requests: 1_000_000,
  connections: 1024,
  /** Timeout of a request, s. */
  timeoutS: 30,
  /** Clients of a closed loop. */
  clients: 8,
  /** Seed of the random numbers. */
  seed: 1,
} as const;

/** Requests with the same bytes. */
export interface RequestKind {
  /** Name of the function, or path of a URL. */
  readonly function: string;
  /** QoS class, by id or name; empty if there is none. */
  readonly class: string;
  /** Weight among the kinds, any positive number. */
  readonly weight: number;
  /** True if it invokes a function on a node or balancer. */
  readonly isInvocation: boolean;
  /** Its server. */
  readonly origin: ServerAddress;
  /** HTTP method. */
  readonly method: string;
  /** Head and body as sent. */
  readonly bytes: Uint8Array;
  /** Response-time limit, ms. */
  readonly limitMs: number | undefined;
  /** Validates responses; undefined if the status suffices, so that bodies are not kept. */
  readonly validator: ResponseValidator | undefined;
}

/** Requests at times independent of responses. */
export interface OpenLoop {
  readonly kind: "open";
  /** Arrival process. */
  readonly arrivals: Arrivals;
}

/** Clients that send a request after the response to the last one. */
export interface ClosedLoop {
  readonly kind: "closed";
  readonly clients: number;
  /** Time between a response and the next request, ms. */
  readonly thinkMs: number;
}

/** Plan of a run. */
export interface LoadPlan {
  /** Schedule. */
  readonly loop: OpenLoop | ClosedLoop;
  /** Kinds of requests, at least one. */
  readonly kinds: readonly RequestKind[];
  readonly warmUpMs: number;
  /** Measured time after the warm-up, ms. */
  readonly durationMs: number;
  /** Maximum number of requests in the measured time. */
  readonly maxRequests: number;
  /** Maximum number of connections per server. */
  readonly maxConnections: number;
  /** Certificates that are accepted in addition to those of public authorities. */
  readonly trust?: Trust | undefined;
  /** Timeout from when a request is due, ms. */
  readonly timeoutMs: number;
  /** Random number in [0, 1), which draws the kinds. */
  readonly random: () => number;
}

/** A scheduled request. */
export interface ScheduledRequest {
  /** Index of its kind. */
  readonly kind: number;
  /** Time at which it is due, ms after the start. */
  readonly dueMs: number;
  /** Time at which it was sent, ms after the start; NaN until then. */
  sentMs: number;
}

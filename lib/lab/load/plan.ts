/**
 * What a run sends, when, and where it ends.
 *
 * @module
 */

import type { ServerAddress } from "../../http/address.ts";
import type { Judge } from "./judge.ts";
import type { Arrivals } from "./arrivals.ts";

/** Largest values that a run can be given. */
export const hardCaps = {
  /** Length without warm-up, s: a day. */
  durationS: 86_400,
  /** Warm-up, s. */
  warmUpS: 3600,
  /** Requests. */
  requests: 100_000_000,
  /** Requests per second. */
  rate: 1_000_000,
  /** Connections, and so clients. */
  connections: 16_384,
  /** Longest wait for an answer, s: a day. */
  timeoutS: 86_400,
  /** Different kinds of requests. */
  kinds: 64,
} as const;

/** What a run is given unless its caller says more. */
export const defaults = {
  /** Length without warm-up, s. */
  durationS: 30,
  /** Warm-up, s. */
  warmUpS: 2,
  /** Requests. */
  requests: 1_000_000,
  /** Connections. */
  connections: 1024,
  /** Longest wait for an answer, s. */
  timeoutS: 30,
  /** Clients of a closed loop. */
  clients: 8,
  /** Seed of its chance. */
  seed: 1,
} as const;

/** A server to send requests to. */
export interface Origin extends ServerAddress {
  /** True for `https`. */
  readonly tls: boolean;
}

/** One kind of requests: all have the same bytes. */
export interface RequestKind {
  /** Name of the function; of a plain URL its path. */
  readonly function: string;
  /** QoS class, by id or name; empty if there is none. */
  readonly class: string;
  /** Its share among the kinds, any positive number. */
  readonly weight: number;
  /** True if it invokes a function on a node or balancer. */
  readonly isInvocation: boolean;
  /** Where it goes. */
  readonly origin: Origin;
  /** Verb. */
  readonly method: string;
  /** Head and body, as they are sent. */
  readonly bytes: Uint8Array;
  /** Response-time limit that answers are counted against, ms. */
  readonly limitMs: number | undefined;
  /** Tells what an answer means; undefined: its status says all, and its body need not be kept. */
  readonly judge: Judge | undefined;
}

/** Requests come when they come. */
export interface OpenLoop {
  /** The kind of loop. */
  readonly kind: "open";
  /** Their times. */
  readonly arrivals: Arrivals;
}

/** Each of some clients sends when the last request was answered. */
export interface ClosedLoop {
  /** The kind of loop. */
  readonly kind: "closed";
  /** How many clients. */
  readonly clients: number;
  /** What each waits between an answer and the next request, ms. */
  readonly thinkMs: number;
}

/** A run. */
export interface LoadPlan {
  /** When requests are sent. */
  readonly loop: OpenLoop | ClosedLoop;
  /** What is sent, at least one. */
  readonly kinds: readonly RequestKind[];
  /** How long it runs before anything counts, ms. */
  readonly warmUpMs: number;
  /** How long it counts then, ms. */
  readonly durationMs: number;
  /** Most requests that count. */
  readonly maxRequests: number;
  /** Most connections to each server. */
  readonly maxConnections: number;
  /** Longest from when a request is due to the end of its answer, ms. */
  readonly timeoutMs: number;
  /** Uniform in [0, 1): draws the kinds. */
  readonly random: () => number;
}

/** A request under way. */
export interface Shot {
  /** Index of its kind. */
  readonly kind: number;
  /** When it was due, ms after the start. */
  readonly dueMs: number;
  /** When it was sent, ms after the start; NaN until then. */
  sentMs: number;
}

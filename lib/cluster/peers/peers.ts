/**
 * Contract between scheduler and cluster: the peers, and how requests are sent to them.
 *
 * @module
 */

import type { FunctionRecord } from "../../model/function.ts";
import type { Hop } from "../../model/hop.ts";
import type { InvocationResult, InvokeRequest } from "../../model/invocation.ts";
import type { RawHttpRequest } from "../../model/raw_http.ts";
import type { PeerView } from "../../policy/contract.ts";

/** Constraints on the nodes that may take a request. */
export interface Eligibility {
  readonly functionName: string;
  /** What the function needs of images (`needOf`). */
  readonly need: string;
  /** Architectures that it supports; empty: any. */
  readonly architectures: readonly string[];
  /** Areas that it may run in; undefined: any. */
  readonly areas: readonly string[] | undefined;
  /** Nodes that have already received the request. */
  readonly visited: readonly string[];
}

/** A request to be sent to another node; the time that remains is finite. */
export interface Forwarded extends Hop {
  readonly record: FunctionRecord;
  readonly request: InvokeRequest;
  /** The HTTP request that its parameters are made of; forwarded unchanged. */
  readonly httpRequest?: RawHttpRequest;
}

/** Summary of the peers for policies that plan. */
export interface PeerSummary {
  /** Memory available for instances on all reachable nodes of this area, MiB. */
  readonly peerMemoryMib: number;
  /** Mean round trip to reachable nodes of this area, ms; infinite without any. */
  readonly edgeRttMs: number;
  /** Round trip to the cloud, ms; infinite without one. */
  readonly cloudRttMs: number;
}

/** The peers, kept in memory: look-ups cost no I/O and are fast with 1,000 peers. */
export interface Peers {
  /** Nearby nodes of this area that may take a request, best first; at most a few. */
  near(eligible: Eligibility): readonly PeerView[];
  /** The cloud target, if it may take the request. */
  cloud(eligible: Eligibility): PeerView | undefined;
  /** True if a node is in the remote area: sending to it is offloading to the cloud. */
  isCloud(id: string): boolean;
  /** Requests a fresh status of the nearest peers, as a request that may be offloaded waits here. */
  requestStatus(): void;
  summary(): PeerSummary;
  /**
   * Sends a request to another node and waits for its response.
   *
   * @param to the node's id
   * @param signal cancels the request
   * @returns the peer's report
   * @throws the peer's error; `PEER_UNREACHABLE` if it did not start there; `FUNCTION_CRASHED` if
   *   the connection broke after it may have
   */
  send(to: string, forwarded: Forwarded, signal: AbortSignal): Promise<InvocationResult>;
}

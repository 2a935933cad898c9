/**
 * The contract between the cluster and the scheduler: the other nodes, and the sending of requests
 * to them.
 *
 * @module
 */

import type { FunctionRecord } from "../../model/function.ts";
import type { InvocationResult, InvokeRequest } from "../../model/invocation.ts";
import type { PageRequest } from "../../model/page.ts";
import type { PeerView } from "../../policy/contract.ts";

/** Which other nodes may take a request. */
export interface Eligibility {
  /** Name of the function. */
  readonly functionName: string;
  /** What it needs of images (`needOf`). */
  readonly need: string;
  /** Architectures that it runs on; empty: any. */
  readonly architectures: readonly string[];
  /** Areas that it may run in; undefined: any. */
  readonly areas: readonly string[] | undefined;
  /** Nodes that have seen the request already. */
  readonly visited: readonly string[];
}

/** One request on its way to another node. */
export interface Forwarded {
  /** The invocation's id, kept across hops. */
  readonly id: string;
  /** The function. */
  readonly record: FunctionRecord;
  /** What the client sent. */
  readonly request: InvokeRequest;
  /** The HTTP request that its parameters are made of: goes on as it is. */
  readonly page?: PageRequest;
  /** Time left, ms; bounded. */
  readonly budgetMs: number;
  /** Hops that the receiver may still make. */
  readonly hopsLeft: number;
  /** Nodes that have seen it, this one included. */
  readonly visited: readonly string[];
  /** Area in which the client handed it in. */
  readonly originArea: string;
}

/** What planning policies know of the other nodes as a whole. */
export interface Surroundings {
  /** Memory that instances on reachable nodes of this area could take, MiB, sum. */
  readonly peerMemoryMib: number;
  /** Mean round trip to reachable nodes of this area, ms; infinite without any. */
  readonly edgeRttMs: number;
  /** Round trip to the cloud, ms; infinite without one. */
  readonly cloudRttMs: number;
}

/** The other nodes, kept current in memory: asking costs no I/O and is quick with 1,000 peers. */
export interface Peers {
  /** Near nodes of this area that may take it, best first; at most a few. */
  near(eligible: Eligibility): readonly PeerView[];
  /** The cloud target, if it may take it. */
  cloud(eligible: Eligibility): PeerView | undefined;
  /** True if a node is in the remote area: sending to it is offloading to the cloud. */
  isCloud(id: string): boolean;
  /** A request waits here that might go elsewhere: the nearest are asked soon what they have free. */
  requestStatus(): void;
  /** The other nodes as a whole. */
  surroundings(): Surroundings;
  /**
   * Sends a request to another node and waits for its answer.
   *
   * @param to the node's id
   * @param signal the request is no longer wanted
   * @returns the peer's report
   * @throws what the peer answered; `PEER_UNREACHABLE` if it surely never started there;
   *   `FUNCTION_CRASHED` if the connection broke after it may have
   */
  send(to: string, forwarded: Forwarded, signal: AbortSignal): Promise<InvocationResult>;
}

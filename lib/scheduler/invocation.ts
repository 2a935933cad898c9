/**
 * One request on its way through the node, from arrival to its single answer.
 *
 * @module
 */

import { type BagMember, nowhere } from "../base/bag.ts";
import type { Deadline } from "../base/deadlines.ts";
import type { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Hop } from "../model/hop.ts";
import type { InvocationResult, InvokeRequest } from "../model/invocation.ts";
import type { PageRequest } from "../model/page.ts";
import type { QosClass } from "../model/qos.ts";
import type { StreamedBody } from "../runtime/wire/streamed_body.ts";
import { arrived, type InvocationState, type OpenState } from "./state.ts";
import type { Waiter } from "./wait_queue.ts";

/** What an invocation starts with. */
export interface Arrival {
  /** The function it asks for. */
  readonly record: FunctionRecord;
  /** What its client sends. */
  readonly request: InvokeRequest;
  /** Its class. */
  readonly qosClass: QosClass;
  /** When it arrived, on the node's clock. */
  readonly arrivedAt: number;
  /** Its past, if another node sent it. */
  readonly hop: Hop | undefined;
  /** Hops that it may still make. */
  readonly hopsLeft: number;
  /** Size of the body that it came in, bytes; 0 if unknown. */
  readonly inputSize: number;
  /** Memory that is booked for that body. */
  readonly held?: Disposable;
  /** The HTTP request that its parameters are made of, if it came over plain HTTP. */
  readonly page?: PageRequest;
}

/** One request. Its `done` settles exactly once. */
export class Invocation implements Waiter, BagMember {
  /** See {@link BagMember}: among those without an answer. */
  slot = nowhere;
  /** Unguessable: whoever knows it may poll the result. */
  readonly id: string;
  /** The result, or a `ServerledgeError`. */
  readonly done: Promise<InvocationResult>;
  /** The function, in the version it will run. */
  record: FunctionRecord;
  /** What its client sent. */
  readonly request: InvokeRequest;
  /** Its class. */
  readonly qosClass: QosClass;
  /** When it arrived, on the node's clock. */
  readonly arrivedAt: number;
  /** When its answer becomes useless, on the node's clock; may be infinite. */
  readonly answerBy: number;
  /** Its past, if another node sent it. */
  readonly hop: Hop | undefined;
  /** Hops that it may still make. */
  readonly hopsLeft: number;
  /** Size of the body that it came in, bytes; 0 if unknown. */
  readonly inputSize: number;
  /** The HTTP request that its parameters are made of, if it came over plain HTTP. */
  readonly page: PageRequest | undefined;
  /** Memory that is booked for its body, until it has its answer. */
  readonly held: Disposable | undefined;
  /** Nodes that it must not be sent to: it was there, or they did not take it. */
  readonly visited: string[];
  /** True if it had to wait or was refused, and `CanDoOffloading` forbade to ask the nodes there are. */
  offloadForbidden = false;
  /** How long it waited here before it was sent to other nodes, ms. */
  waitedMs = 0;
  /** Where it is. */
  state: InvocationState = arrived;
  /** Why the node that it was sent to last did not take it. */
  refusal: ServerledgeError | undefined;
  /** What interrupts it: while it waits, while it runs, while it is being stopped. */
  deadline: Deadline | undefined;
  /** The body of its answer while that is under way. */
  #body: StreamedBody | undefined;
  readonly #resolve: (result: InvocationResult) => void;
  readonly #reject: (error: ServerledgeError) => void;
  readonly #cancel: (invocation: Invocation) => void;

  /**
   * A request that has just arrived.
   *
   * @param arrival what it starts with
   * @param cancel called when its client leaves
   */
  constructor(arrival: Arrival, cancel: (invocation: Invocation) => void) {
    const { record, request, qosClass, arrivedAt, hop, hopsLeft, inputSize } = arrival;
    this.inputSize = inputSize;
    this.page = arrival.page;
    this.held = arrival.held;
    this.id = hop?.id ?? `${record.Name}-${randomId()}`;
    this.record = record;
    this.request = request;
    this.qosClass = qosClass;
    this.arrivedAt = arrivedAt;
    this.hop = hop;
    this.hopsLeft = hopsLeft;
    this.visited = [...hop?.visited ?? []];
    const seconds = request.maxResponseS > 0 ? request.maxResponseS : qosClass.limit;
    const limitMs = seconds > 0 ? seconds * 1000 : Infinity;
    this.answerBy = arrivedAt + Math.min(limitMs, hop?.budgetMs ?? Infinity);
    const { promise, resolve, reject } = Promise.withResolvers<InvocationResult>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#cancel = cancel;
  }

  /** True once it has its answer. */
  get settled(): boolean {
    return this.state.kind === "settled";
  }

  /** Where it is, or was when it got its answer. */
  get lastState(): OpenState {
    return this.state.kind === "settled" ? this.state.last : this.state;
  }

  /** True while it waits because an instance can be started for it. */
  get promised(): boolean {
    return this.state.kind === "starting";
  }

  /** The client has left. Harmless once it is settled. */
  cancel(): void {
    if (!this.settled) this.#cancel(this);
  }

  /**
   * Begins its answer, of which the body is still under way: it is settled when that has ended.
   *
   * @param result what is known by now, and the response
   * @param body ended with the invocation
   */
  begin(result: InvocationResult, body: StreamedBody): void {
    this.#body = body;
    this.#resolve(result);
  }

  /** Answers with a result, or ends an answer that was begun. */
  succeed(result: InvocationResult): void {
    this.state = { kind: "settled", last: this.lastState };
    this.#body?.end();
    this.#resolve(result);
  }

  /** Answers with an error, or breaks off an answer that was begun. */
  fail(error: ServerledgeError): void {
    this.state = { kind: "settled", last: this.lastState };
    this.#body?.end(error);
    this.#reject(error);
  }
}

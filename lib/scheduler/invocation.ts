/**
 * One request on its way through the node, from arrival to its only response.
 *
 * @module
 */

import { type BagMember, nowhere } from "../base/bag.ts";
import type { Deadline } from "../base/deadlines.ts";
import type { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import { release } from "../json/quoted.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Hop } from "../model/hop.ts";
import type { InvocationResult, InvokeRequest } from "../model/invocation.ts";
import type { RawHttpRequest } from "../model/raw_http.ts";
import type { QosClass } from "../model/qos.ts";
import type { StreamedBody } from "../runtime/wire/streamed_body.ts";
import { type InvocationState, type OpenState, undecided } from "./state.ts";
import type { Waiter } from "./wait_queue.ts";

/** Initial data of an invocation. */
export interface Arrival {
  readonly record: FunctionRecord;
  readonly request: InvokeRequest;
  readonly qosClass: QosClass;
  /** Arrival on the node's clock, ms. */
  readonly arrivedAt: number;
  /** Present if another node forwarded the request. */
  readonly hop: Hop | undefined;
  /** Id of the client's key; absent or empty without one. */
  readonly keyId?: string | undefined;
  /** How many more times it may be forwarded. */
  readonly hopsLeft: number;
  /** Names of the functions that wait for its result, the outermost first. */
  readonly callers: readonly string[];
  /** Size of the request body, bytes; 0 if unknown. */
  readonly inputSize: number;
  /** Memory reserved for the request body. */
  readonly reservation?: Disposable;
  /** The HTTP request that its parameters are made of, for plain HTTP. */
  readonly httpRequest?: RawHttpRequest;
}

/** Returns the id of an invocation, which names the key of its client: only this one may poll for the result. */
function newId(functionName: string, keyId = ""): string {
  return `${functionName}-${randomId()}${keyId && `.${keyId}`}`;
}

/** One request. `done` settles exactly once. */
export class Invocation implements Waiter, BagMember {
  /** Position among the open invocations. */
  slot = nowhere;
  /** Id that cannot be guessed, since any client with the id may poll the result. */
  readonly id: string;
  /** Resolves with the result, or rejects with a `ServerledgeError`. */
  readonly done: Promise<InvocationResult>;
  /** The function, in the version that will run. */
  record: FunctionRecord;
  /** The client's request. */
  readonly request: InvokeRequest;
  readonly qosClass: QosClass;
  /** Arrival on the node's clock, ms. */
  readonly arrivedAt: number;
  /** Response deadline on the node's clock, ms; may be infinite. */
  readonly answerBy: number;
  /** Present if another node forwarded the request. */
  readonly hop: Hop | undefined;
  /** How many more times it may be forwarded. */
  readonly hopsLeft: number;
  /** Size of the request body, bytes; 0 if unknown. */
  readonly inputSize: number;
  /** The HTTP request that its parameters are made of, for plain HTTP. */
  readonly httpRequest: RawHttpRequest | undefined;
  /** Names of the functions that wait for its result, the outermost first. */
  readonly callers: readonly string[];
  /** Memory reserved for the request body, until the invocation completes. */
  readonly reservation: Disposable | undefined;
  /** Nodes that must not receive the request again: they have received or declined it. */
  readonly visited: string[];
  /** True if it was queued or rejected while `CanDoOffloading: false` excluded other nodes. */
  offloadForbidden = false;
  /** Time in the queue of this node before it was offloaded, ms. */
  waitedMs = 0;
  /** Its current state. */
  state: InvocationState = undecided;
  /** Error of the last node that declined it. */
  declineError: ServerledgeError | undefined;
  /** Limits the wait, then the execution, then the time to stop after an interrupt. */
  deadline: Deadline | undefined;
  /** The response body while it is being streamed. */
  #body: StreamedBody | undefined;
  readonly #resolve: (result: InvocationResult) => void;
  readonly #reject: (error: ServerledgeError) => void;
  readonly #cancel: (invocation: Invocation) => void;

  /**
   * Creates an undecided invocation. Its response deadline is that of the request, or else of its class, but
   * not after the budget of its hop.
   *
   * @param cancel called when the client disconnects
   */
  constructor(arrival: Arrival, cancel: (invocation: Invocation) => void) {
    const { record, request, qosClass, arrivedAt, hop, hopsLeft, inputSize } = arrival;
    this.callers = arrival.callers;
    this.inputSize = inputSize;
    this.httpRequest = arrival.httpRequest;
    this.reservation = arrival.reservation;
    this.id = hop?.id ?? newId(record.name, arrival.keyId);
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

  /** True once it is completed. */
  get settled(): boolean {
    return this.state.kind === "settled";
  }

  /** Its state, or the last one before it was completed. */
  get lastState(): OpenState {
    return this.state.kind === "settled" ? this.state.last : this.state;
  }

  /** True while it waits for an instance that was started, or can be started, for it. */
  get startsInstance(): boolean {
    return this.state.kind === "starting";
  }

  /** Cancels it, as its client has disconnected. No effect once it is completed. */
  cancel(): void {
    if (!this.settled) this.#cancel(this);
  }

  /**
   * Begins a streamed response; the invocation is completed when the body ends.
   *
   * @param result what is known so far, and the response
   */
  begin(result: InvocationResult, body: StreamedBody): void {
    this.#body = body;
    this.#resolve(result);
  }

  /** Completes it with a result, or ends a streamed response. */
  succeed(result: InvocationResult): void {
    this.state = { kind: "settled", last: this.lastState };
    this.#body?.end();
    // The client has received the streamed response already.
    if (this.#body) release(result.report.result);
    this.#resolve(result);
  }

  /** Completes it with an error, or aborts a streamed response. */
  fail(error: ServerledgeError): void {
    this.state = { kind: "settled", last: this.lastState };
    this.#body?.end(error);
    this.#reject(error);
  }
}

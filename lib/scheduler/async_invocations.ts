/**
 * Asynchronous invocations: accepted durably, polled later. Each is `pending` in the registry
 * before its client gets the id, and finally `done` or `failed`, even if the registry is
 * unavailable for a while or the node restarts meanwhile.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import { TaskSet } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { asServerledgeError, ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import { QuotedText, release } from "../json/quoted.ts";
import type { Origin } from "../model/hop.ts";
import { allowedAreas } from "../model/locality.ts";
import type { InvokeRequest } from "../model/invocation.ts";
import type { AsyncResult, Registry } from "../registry/registry.ts";
import type { Invocation } from "./invocation.ts";
import type { Scheduler } from "./scheduler.ts";

/** Maximum number of results kept in memory while the registry is unavailable. */
const maxUnsaved = 10_000;
/** Pause before a failed write is repeated, ms. */
const retryMs = 1_000;

/** Store of results. */
export type ResultStore = Pick<Registry, "putResult" | "getResult" | "pendingResults">;

/** Dependencies and settings of {@link AsyncInvocations}. */
export interface AsyncInvocationsOptions {
  /** Id of the node, stored with each pending invocation. */
  readonly node: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly registry: ResultStore;
  /**
   * Store on this node for invocations whose `Locality` confines them; absent if results never
   * leave the node.
   */
  readonly confined?: ResultStore;
  readonly area: string;
  /** URL at which other nodes reach this one. */
  readonly url: () => string;
  /** Time for which a result can be polled, ms. */
  readonly ttlMs: number;
}

const log = logger("scheduler");

/** Result of an invocation whose node restarted before it ended. */
export const interruptedResult: AsyncResult = {
  state: "failed",
  code: "FUNCTION_CRASHED",
  message: "The node restarted before the invocation ended; it may have run",
};

/** The asynchronous invocations of a node. */
export class AsyncInvocations implements AsyncDisposable {
  readonly #options: AsyncInvocationsOptions;
  /** Results that the registry may not have yet. */
  readonly #local = new Map<string, AsyncResult>();
  readonly #running = new TaskSet();
  readonly #unsaved = new Set<string>();
  /** Invocations whose results stay on this node, while they are written. */
  readonly #confined = new Set<string>();
  #cancelRetry: (() => void) | undefined;
  #cancelRecovery: (() => void) | undefined;

  /** Creates a set without invocations. */
  constructor(options: AsyncInvocationsOptions) {
    this.#options = options;
  }

  /**
   * Accepts an invocation.
   *
   * @param origin the request's origin, as far as it is known
   * @returns its id, once it is stored durably
   * @throws the reason of the rejection, e.g. `NODE_SATURATED`, or `REGISTRY_UNAVAILABLE`
   */
  async accept(name: string, request: InvokeRequest, origin?: Origin): Promise<string> {
    const { scheduler, clock, node, area, confined, url, registry, ttlMs } = this.#options;
    const invocation = scheduler.submit(name, request, origin);
    const ended = this.#result(invocation);
    const isConfined = confined &&
      allowedAreas([invocation.record.locality, request.locality], area);
    if (isConfined) this.#confined.add(invocation.id);
    const pending = { state: "pending", node, since: clock.wall() } as const;
    // From now on, it is not taken for one of an earlier process.
    this.#local.set(invocation.id, pending);
    try {
      if (isConfined) {
        await registry.putResult(invocation.id, { state: "kept", node, url: url() }, ttlMs);
      }
      await this.#put(invocation.id, pending);
    } catch (error) {
      invocation.cancel();
      void ended.then(forget);
      this.#local.delete(invocation.id);
      this.#confined.delete(invocation.id);
      throw error;
    }
    if (invocation.settled) {
      const result = await ended;
      if (result.state === "failed" && result.code === "NODE_SATURATED") {
        this.#local.delete(invocation.id);
        await this.#put(invocation.id, result);
        this.#confined.delete(invocation.id);
        throw new ServerledgeError("NODE_SATURATED", result.message);
      }
    }
    void this.#running.add(
      ended.then((result) => this.#save(invocation.id, result)).finally(() => {
        if (!this.#unsaved.has(invocation.id)) this.#confined.delete(invocation.id);
      }),
    );
    return invocation.id;
  }

  /**
   * Returns the state of an invocation.
   *
   * @param reserve reserves the memory of a long result before it is read
   * @throws `REGISTRY_UNAVAILABLE`; `FORBIDDEN` if its `Locality` keeps it on another node
   */
  async poll(id: string, reserve: ReserveMemory): Promise<AsyncResult | undefined> {
    const { confined, registry, node } = this.#options;
    const local = this.#local.get(id);
    if (local?.state === "done" && local.report.result instanceof QuotedText) {
      // The result may be stored, and its reservation released, before it is sent.
      reserve(local.report.result.length);
    }
    const here = local ?? await confined?.getResult(id, reserve);
    if (here) return here;
    const result = await registry.getResult(id, reserve);
    if (result?.state !== "kept") return result;
    if (result.node !== node) throw storedElsewhere(result);
    return undefined;
  }

  /**
   * Marks invocations as failed that an earlier process of this node accepted and never completed.
   * Retries while the registry is unavailable.
   */
  async recover(): Promise<void> {
    const { registry, confined, node, clock } = this.#options;
    try {
      for (const id of await confined?.pendingResults(node) ?? []) {
        this.#confined.add(id);
        await this.#failInterrupted(id);
        this.#confined.delete(id);
      }
      for (const id of await registry.pendingResults(node)) await this.#failInterrupted(id);
    } catch (error) {
      const { code, message } = asServerledgeError(error);
      if (code === "REGISTRY_UNAVAILABLE") {
        this.#cancelRecovery = clock.after(retryMs, () => void this.recover());
      } else log.error("Cannot mark interrupted invocations as failed: {message}", { message });
    }
  }

  /** Waits until all results are written, as far as the registry accepts them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelRecovery?.();
    await this.#running.settled();
    this.#cancelRetry?.();
    await this.#retry();
    this.#cancelRetry?.();
  }

  async #failInterrupted(id: string): Promise<void> {
    const known = await this.#storeOf(id).getResult(id);
    if (this.#local.has(id) || known?.state !== "pending") return;
    await this.#put(id, interruptedResult);
  }

  async #result(invocation: Invocation): Promise<AsyncResult> {
    try {
      const { report } = await invocation.done;
      return { state: "done", report };
    } catch (thrown) {
      const { code, message, details } = asServerledgeError(thrown);
      return { state: "failed", code, message, details };
    }
  }

  async #save(id: string, result: AsyncResult): Promise<void> {
    this.#local.set(id, result);
    try {
      await this.#put(id, result);
      this.#forget(id);
    } catch (error) {
      this.#retryLater(id, error);
    }
  }

  /** Keeps a result in memory until the registry accepts it. */
  #retryLater(id: string, error: unknown): void {
    if (this.#unsaved.size >= maxUnsaved) {
      const [oldest] = this.#unsaved;
      this.#unsaved.delete(oldest!);
      this.#forget(oldest!);
      this.#confined.delete(oldest!);
      log.error("The result of {id} was dropped because too many results wait for the registry", {
        id: oldest,
      });
    }
    log.warn("The result of {id} is kept until the registry accepts it: {error}", {
      id,
      error: asServerledgeError(error).message,
    });
    this.#unsaved.add(id);
    this.#cancelRetry ??= this.#options.clock.after(retryMs, () => void this.#retry());
  }

  async #retry(): Promise<void> {
    this.#cancelRetry = undefined;
    for (const id of [...this.#unsaved]) {
      try {
        await this.#put(id, this.#local.get(id)!);
      } catch {
        this.#cancelRetry ??= this.#options.clock.after(retryMs, () => void this.#retry());
        return;
      }
      this.#unsaved.delete(id);
      this.#confined.delete(id);
      this.#forget(id);
    }
  }

  /** Drops a local result, which is stored elsewhere or lost. */
  #forget(id: string): void {
    const result = this.#local.get(id);
    this.#local.delete(id);
    if (result) forget(result);
  }

  #storeOf(id: string): ResultStore {
    const { confined, registry } = this.#options;
    return confined && this.#confined.has(id) ? confined : registry;
  }

  #put(id: string, result: AsyncResult): Promise<void> {
    return this.#storeOf(id).putResult(id, result, this.#options.ttlMs);
  }
}

/** Releases the reservation of a result. */
function forget(result: AsyncResult): void {
  if (result.state === "done") release(result.report.result);
}

function storedElsewhere({ node, url }: AsyncResult & { state: "kept" }): ServerledgeError {
  return new ServerledgeError(
    "FORBIDDEN",
    `The result is stored at node ${node}, because the Locality of the invocation ` +
      `confines it to that node: poll ${url}`,
    { details: { node, url } },
  );
}

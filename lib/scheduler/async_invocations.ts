/**
 * Asynchronous invocations: accepted durably, polled later. Each is `pending` in the registry
 * before its client gets the id, and `done` or `failed` in the end, even if the registry is away
 * for a while or the node restarts meanwhile.
 *
 * @module
 */

import { TaskSet } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { asServerledgeError, ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { Origin } from "../model/hop.ts";
import { allowedAreas } from "../model/locality.ts";
import type { InvokeRequest } from "../model/invocation.ts";
import type { AsyncResult, Registry } from "../registry/registry.ts";
import type { Invocation } from "./invocation.ts";
import type { Scheduler } from "./scheduler.ts";

/** Most results that wait in memory for the registry to come back. */
const maxUnsaved = 10_000;
/** How long to wait before trying again to write a result, ms. */
const retryMs = 1_000;

/** Where results are kept. */
export type ResultStore = Pick<Registry, "putResult" | "getResult" | "pendingResults">;

/** What they are made of. */
export interface AsyncInvocationsOptions {
  /** Id of the node, kept with each pending invocation. */
  readonly node: string;
  /** The node's clock. */
  readonly clock: Clock;
  /** Runs them. */
  readonly scheduler: Scheduler;
  /** Keeps them. */
  readonly registry: ResultStore;
  /** Keeps those on the node that their `Locality` does not let go everywhere; absent: all stay anyway. */
  readonly kept?: ResultStore;
  /** The node's area. */
  readonly area: string;
  /** Where the node is reached by others. */
  readonly url: () => string;
  /** How long a result can be polled, ms. */
  readonly ttlMs: number;
}

const log = logger("scheduler");

/** What becomes of an invocation whose node restarted before it ended. */
export const interruptedResult: AsyncResult = {
  state: "failed",
  code: "FUNCTION_CRASHED",
  message: "The node restarted before the invocation ended; it may have run",
};

/** The asynchronous invocations of a node. */
export class AsyncInvocations implements AsyncDisposable {
  readonly #options: AsyncInvocationsOptions;
  /** What the registry may not know yet. */
  readonly #local = new Map<string, AsyncResult>();
  readonly #running = new TaskSet();
  readonly #unsaved = new Set<string>();
  /** Those whose results stay here, while they are written. */
  readonly #kept = new Set<string>();
  /** What is pending since before this, an earlier process of the node has left. */
  readonly #startedAt: number;
  #cancelRetry: (() => void) | undefined;
  #cancelRecovery: (() => void) | undefined;

  /** None yet. */
  constructor(options: AsyncInvocationsOptions) {
    this.#options = options;
    this.#startedAt = options.clock.wall();
  }

  /**
   * Accepts an invocation.
   *
   * @param origin what is known of where it comes from
   * @returns its id, once it is known durably
   * @throws what refused it, e.g. `NODE_SATURATED`, or `REGISTRY_UNAVAILABLE`
   */
  async accept(name: string, request: InvokeRequest, origin?: Origin): Promise<string> {
    const { scheduler, clock, node, area, kept, url, registry, ttlMs } = this.#options;
    const invocation = scheduler.submit(name, request, origin);
    const ended = this.#result(invocation);
    const isKept = kept && allowedAreas([invocation.record.Locality, request.locality], area);
    if (isKept) this.#kept.add(invocation.id);
    try {
      if (isKept) {
        await registry.putResult(invocation.id, { state: "kept", node, url: url() }, ttlMs);
      }
      await this.#put(invocation.id, { state: "pending", node, since: clock.wall() });
    } catch (error) {
      invocation.cancel();
      this.#kept.delete(invocation.id);
      throw error;
    }
    if (invocation.settled) {
      const result = await ended;
      if (result.state === "failed" && result.code === "NODE_SATURATED") {
        await this.#put(invocation.id, result);
        this.#kept.delete(invocation.id);
        throw new ServerledgeError("NODE_SATURATED", result.message);
      }
    }
    this.#local.set(invocation.id, { state: "pending", node, since: clock.wall() });
    void this.#running.add(
      ended.then((result) => this.#save(invocation.id, result)).finally(() => {
        if (!this.#unsaved.has(invocation.id)) this.#kept.delete(invocation.id);
      }),
    );
    return invocation.id;
  }

  /**
   * What is known of an invocation.
   *
   * @throws `REGISTRY_UNAVAILABLE`; `FORBIDDEN` if its `Locality` keeps it on another node
   */
  async poll(id: string): Promise<AsyncResult | undefined> {
    const { kept, registry, node } = this.#options;
    const here = this.#local.get(id) ?? await kept?.getResult(id);
    if (here) return here;
    const result = await registry.getResult(id);
    if (result?.state !== "kept") return result;
    if (result.node !== node) throw keptElsewhere(result);
    return undefined;
  }

  /**
   * Marks as failed what an earlier process of this node accepted and never ended; where the
   * registry is away, when it is back.
   */
  async recover(): Promise<void> {
    const { registry, kept, node, clock } = this.#options;
    try {
      for (const id of await kept?.pendingResults(node) ?? []) {
        this.#kept.add(id);
        await this.#interrupted(id);
        this.#kept.delete(id);
      }
      for (const id of await registry.pendingResults(node)) await this.#interrupted(id);
    } catch (error) {
      const { code, message } = asServerledgeError(error);
      if (code === "REGISTRY_UNAVAILABLE") {
        this.#cancelRecovery = clock.after(retryMs, () => void this.recover());
      } else log.error("What was pending before the start cannot be ended: {message}", { message });
    }
  }

  /** Waits until all results are written, as far as the registry lets them be. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelRecovery?.();
    await this.#running.settled();
    this.#cancelRetry?.();
    await this.#retry();
    this.#cancelRetry?.();
  }

  async #interrupted(id: string): Promise<void> {
    const known = await this.#storeOf(id).getResult(id);
    if (this.#local.has(id) || known?.state !== "pending" || known.since >= this.#startedAt) return;
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
      this.#local.delete(id);
    } catch (error) {
      this.#keep(id, error);
    }
  }

  /** The registry is away: the result stays in memory until it can be written. */
  #keep(id: string, error: unknown): void {
    if (this.#unsaved.size >= maxUnsaved) {
      const [oldest] = this.#unsaved;
      this.#unsaved.delete(oldest!);
      this.#local.delete(oldest!);
      this.#kept.delete(oldest!);
      log.error("Result of {id} is lost: too many wait for the registry", { id: oldest });
    }
    log.warn("Result of {id} waits for the registry: {error}", {
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
      this.#kept.delete(id);
      this.#local.delete(id);
    }
  }

  #storeOf(id: string): ResultStore {
    const { kept, registry } = this.#options;
    return kept && this.#kept.has(id) ? kept : registry;
  }

  #put(id: string, result: AsyncResult): Promise<void> {
    return this.#storeOf(id).putResult(id, result, this.#options.ttlMs);
  }
}

function keptElsewhere({ node, url }: AsyncResult & { state: "kept" }): ServerledgeError {
  return new ServerledgeError(
    "FORBIDDEN",
    `The result is kept by node ${node}, since the invocation's Locality does not let it go everywhere: poll it at ${url}`,
    { details: { node, url } },
  );
}

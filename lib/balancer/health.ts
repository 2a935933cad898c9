/**
 * Asks nodes from time to time whether they are well and what they have free.
 *
 * @module
 */

import * as v from "valibot";
import { timeLimit } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { logger } from "../base/log.ts";
import { respondingNode } from "../cluster/peers/responding_node.ts";
import type { HttpClient, WholeResponse } from "../http/client.ts";
import { ConnectionBroken } from "../http/failures.ts";
import type { Target } from "./target_table.ts";

/** Time for a node to answer, ms. */
const answerTimeoutMs = 2_000;
/** Longest status that is read. */
const maxStatusBytes = 8 << 20;

/** The part of a node's status that routing needs. */
const statusSchema = v.object({
  /** Who answers; nodes of other versions may not tell it. */
  Node: v.optional(v.string()),
  TotalMemory: v.number(),
  AvailableMemory: v.number(),
  TotalCPU: v.number(),
  UsedCPU: v.number(),
  /** Nodes of other versions may not tell it. */
  MissingImages: v.optional(v.array(v.string()), []),
});

const log = logger("balancer");

/** How often nodes are asked. */
export interface HealthSettings {
  /** Whether they are well, ms. */
  readonly intervalMs: number;
  /** What they have free, ms. */
  readonly refreshMs: number;
}

/** Keeps asking nodes until it is disposed. */
export class HealthChecks implements AsyncDisposable {
  readonly #client: HttpClient;
  readonly #clock: Clock;
  readonly #settings: HealthSettings;
  readonly #targets = new Set<Target>();
  /** No longer registered, but with requests under way. */
  readonly #leaving = new Set<Target>();
  readonly #checks = new Map<Target, Promise<void>>();
  readonly #refreshes = new Map<Target, Promise<void>>();
  readonly #stop = new AbortController();
  #cancelCheck = () => {};
  #cancelRefresh = () => {};

  constructor(client: HttpClient, clock: Clock, settings: HealthSettings) {
    this.#client = client;
    this.#clock = clock;
    this.#settings = settings;
    this.#checkLater();
    this.#refreshLater();
  }

  /** Looks after a node from now on, beginning at once. */
  add(target: Target): void {
    this.#targets.add(target);
    this.check(target);
    this.#refresh(target);
  }

  /** Looks after a node no longer than it has requests under way. */
  remove(target: Target): void {
    this.#targets.delete(target);
    this.#leaving.add(target);
  }

  /** Asks a node now whether it is well, unless that is under way. */
  check(target: Target): void {
    this.#once(this.#checks, target, () => this.#askHealth(target));
  }

  /** Stops asking. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#cancelCheck();
    this.#cancelRefresh();
    await Promise.all([...this.#checks.values(), ...this.#refreshes.values()]);
  }

  #checkLater(): void {
    this.#cancelCheck = this.#clock.after(this.#settings.intervalMs, () => {
      for (const target of this.#leaving) {
        if (target.inFlight > 0) continue;
        this.#leaving.delete(target);
        this.#client.forget(target.record.url);
      }
      for (const target of this.#targets) this.check(target);
      for (const target of this.#leaving) this.check(target);
      this.#checkLater();
    });
  }

  #refreshLater(): void {
    this.#cancelRefresh = this.#clock.after(this.#settings.refreshMs, () => {
      for (const target of this.#targets) if (target.isHealthy) this.#refresh(target);
      this.#refreshLater();
    });
  }

  #refresh(target: Target): void {
    this.#once(this.#refreshes, target, () => this.#askStatus(target));
  }

  #once(running: Map<Target, Promise<void>>, target: Target, ask: () => Promise<void>): void {
    if (running.has(target) || this.#stop.signal.aborted) return;
    running.set(target, ask().finally(() => running.delete(target)));
  }

  async #askHealth(target: Target): Promise<void> {
    const wasHealthy = target.isHealthy;
    try {
      const { status, body } = await this.#ask(target, "/healthz");
      const id = respondingNode(body);
      // Whoever answers is alive: a node that is stopping finishes what it has under way.
      if (id !== undefined && id !== target.record.id) target.failed(misplaced(target, id));
      else if (status === 200) target.passed();
      else target.failed(`it answers its health check with ${status}`);
    } catch {
      if (this.#stop.signal.aborted) return;
      this.#client.forget(target.record.url);
      target.failedCheck("it does not answer");
    }
    if (wasHealthy === target.isHealthy) return;
    const { id } = target.record;
    if (target.isHealthy) log.info("Node {id} answers again", { id });
    else log.warn("Node {id} gets no requests: {problem}", { id, problem: target.problem });
  }

  async #askStatus(target: Target): Promise<void> {
    try {
      const { body } = await this.#ask(target, "/status");
      const status = v.parse(statusSchema, JSON.parse(new TextDecoder().decode(body)));
      if (status.Node !== undefined && status.Node !== target.record.id) return;
      target.told(
        {
          freeMemoryMib: status.AvailableMemory,
          freeCpu: status.TotalCPU - status.UsedCPU,
        },
        { totalMemoryMib: status.TotalMemory, totalCpu: status.TotalCPU },
      );
      target.lacks(status.MissingImages);
    } catch (error) {
      // Routing goes on with what the node told before; whether it is well is another question.
      if (this.#stop.signal.aborted) return;
      log.debug("Node {id} tells no status: {error}", { id: target.record.id, error });
    }
  }

  /** Asks once, and again if the connection kept from last time had ended; both within one bound. */
  async #ask(target: Target, path: string): Promise<WholeResponse> {
    const { url } = target.record;
    using limit = timeLimit(this.#clock, answerTimeoutMs, this.#stop.signal);
    const { signal } = limit;
    const headers = [["host", new URL(url).host]] as const;
    const request = { method: "GET", path, headers, body: undefined };
    const ask = () => this.#client.ask(url, request, signal, maxStatusBytes);
    return await ask().catch((error) => {
      if (!(error instanceof ConnectionBroken) || signal.aborted) throw error;
      this.#client.forget(url);
      return ask();
    });
  }
}

/** Why a node gets no requests at whose address another answers. */
function misplaced({ record }: Target, other: string): string {
  return `${other} answers at its address ${record.url}; set its api.ip or api.url to where others ` +
    "reach it, and give each node a registry.node.id of its own";
}

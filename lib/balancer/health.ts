/**
 * Checks the health and the free resources of nodes periodically.
 *
 * @module
 */

import * as v from "valibot";
import { timeLimit } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { logger } from "../base/log.ts";
import { respondingNode } from "../cluster/peers/responding_node.ts";
import type { NodeClient } from "../cluster/peers/node_client.ts";
import type { WholeResponse } from "../http/client.ts";
import { checkText } from "./failure_text.ts";
import type { Target } from "./target_table.ts";

/** Longest wait for a response, ms. */
const timeoutMs = 2_000;
/** Longest status that is read, bytes. */
const maxStatusBytes = 8 << 20;

/** The part of a node's status that routing needs. */
const statusSchema = v.object({
  /** Absent in older versions. */
  Node: v.optional(v.string()),
  TotalMemory: v.number(),
  AvailableMemory: v.number(),
  TotalCPU: v.number(),
  UsedCPU: v.number(),
  /** Absent in older versions. */
  MissingImages: v.optional(v.array(v.string()), []),
});

const log = logger("balancer");

/** Intervals of the checks. */
export interface HealthSettings {
  /** Between two health checks, ms. */
  readonly intervalMs: number;
  /** Between two requests of the status, ms. */
  readonly refreshMs: number;
}

/** Checks nodes until it is disposed. */
export class HealthChecks implements AsyncDisposable {
  readonly #client: NodeClient;
  readonly #clock: Clock;
  readonly #settings: HealthSettings;
  readonly #targets = new Set<Target>();
  /** Deregistered nodes with requests in flight. */
  readonly #draining = new Set<Target>();
  readonly #checks = new Map<Target, Promise<void>>();
  readonly #refreshes = new Map<Target, Promise<void>>();
  readonly #stop = new AbortController();
  #cancelCheck = () => {};
  #cancelRefresh = () => {};

  /** Starts the periodic checks, without nodes. */
  constructor(client: NodeClient, clock: Clock, settings: HealthSettings) {
    this.#client = client;
    this.#clock = clock;
    this.#settings = settings;
    this.#checkLater();
    this.#refreshLater();
  }

  /** Starts checking a node, beginning now. */
  add(target: Target): void {
    this.#targets.add(target);
    this.check(target);
    this.#refresh(target);
  }

  /** Stops checking a node once it has no requests in flight. */
  remove(target: Target): void {
    this.#targets.delete(target);
    this.#draining.add(target);
  }

  /** Checks a node's health now, unless a check is running. */
  check(target: Target): void {
    this.#runOnce(this.#checks, target, () => this.#checkHealth(target));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#cancelCheck();
    this.#cancelRefresh();
    await Promise.all([...this.#checks.values(), ...this.#refreshes.values()]);
  }

  #checkLater(): void {
    this.#cancelCheck = this.#clock.after(this.#settings.intervalMs, () => {
      for (const target of this.#draining) {
        if (target.inFlight > 0) continue;
        this.#draining.delete(target);
        this.#client.forget(target.record.url);
      }
      for (const target of this.#targets) this.check(target);
      for (const target of this.#draining) this.check(target);
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
    this.#runOnce(this.#refreshes, target, () => this.#updateStatus(target));
  }

  #runOnce(running: Map<Target, Promise<void>>, target: Target, ask: () => Promise<void>): void {
    if (running.has(target) || this.#stop.signal.aborted) return;
    running.set(target, ask().finally(() => running.delete(target)));
  }

  async #checkHealth(target: Target): Promise<void> {
    const wasHealthy = target.isHealthy;
    try {
      const { status, body } = await this.#get(target, "/healthz");
      const id = respondingNode(body);
      // Any response is a sign of life: a node that shuts down completes its requests.
      if (id !== undefined && id !== target.record.id) {
        target.markUnhealthy(addressConflict(target, id));
      } else if (status === 200) target.checkPassed();
      else target.markUnhealthy(`its health check returned status ${status}`);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#client.forget(target.record.url);
      target.checkFailed(checkText(error));
    }
    if (wasHealthy === target.isHealthy) return;
    const { id } = target.record;
    if (target.isHealthy) log.info("Node {id} responds again", { id });
    else log.warn("Node {id} receives no requests: {problem}", { id, problem: target.problem });
  }

  async #updateStatus(target: Target): Promise<void> {
    try {
      const { body } = await this.#get(target, "/status");
      const status = v.parse(statusSchema, JSON.parse(new TextDecoder().decode(body)));
      if (status.Node !== undefined && status.Node !== target.record.id) return;
      target.updateResources(
        {
          freeMemoryMib: status.AvailableMemory,
          freeCpu: status.TotalCPU - status.UsedCPU,
        },
        { totalMemoryMib: status.TotalMemory, totalCpu: status.TotalCPU },
      );
      target.updateMissingImages(status.MissingImages);
    } catch (error) {
      // Routing continues with the previous status; health is checked separately.
      if (this.#stop.signal.aborted) return;
      log.debug("Cannot get the status of node {id}: {error}", { id: target.record.id, error });
    }
  }

  async #get({ record }: Target, path: string): Promise<WholeResponse> {
    using limit = timeLimit(this.#clock, timeoutMs, this.#stop.signal);
    return await this.#client.get(record, path, limit.signal, maxStatusBytes);
  }
}

/** Problem of a node whose address is another node's. */
function addressConflict({ record }: Target, other: string): string {
  return `${other} responds at its address ${record.url}; set its api.ip or api.url to an ` +
    "address at which others reach it, and give each node its own registry.node.id";
}

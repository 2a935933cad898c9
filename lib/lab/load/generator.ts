/**
 * Sends the requests of a plan: in an open loop when they are due, in a closed loop when the last
 * one of a client was answered. The response time of a request counts from when it was due, not
 * from when it could be sent, so that a server that stalls cannot hide what its stall costs
 * (coordinated omission, G. Tene).
 *
 * @module
 */

import process from "node:process";
import type { Arrivals } from "./arrivals.ts";
import type { ResponseParser } from "./response_parser.ts";
import { judgeStatus } from "./judge.ts";
import { type Failure, LinePool, type ShotOwner } from "./line_pool.ts";
import { Pacer } from "./pacer.ts";
import type { LoadPlan, Shot } from "./plan.ts";
import type { Recorder } from "./recorder.ts";

/** How often overdue requests are looked for, ms. */
const sweepMs = 100;
/** What a client of a closed loop waits after it got no connection, ms. */
const reconnectMs = 100;
/** Most requests that are sent before the event loop gets its turn. */
const maxBatch = 64;

/** What a run tells of its generator. */
export interface GeneratorFacts {
  /** CPU time of the process while requests counted, as a share of one core. */
  readonly cpuShare: number;
  /** Most connections at once. */
  readonly connections: number;
  /** True if requests waited for a connection since there were too few. */
  readonly lacksConnections: boolean;
  /** Requests without an answer when the run was ended early. */
  readonly cutOff: number;
  /** True if it was ended early. */
  readonly isInterrupted: boolean;
  /**
   * The end of the time that counts, ms after the start: as planned, or, if all requests ended
   * before, the last one's end, or when the run was ended.
   */
  readonly endMs: number;
}

/**
 * Sends the requests of a plan.
 *
 * @param plan what to send
 * @param recorder told of each request
 * @param signal ends it early
 * @returns when all requests are answered or overdue, or the signal was aborted
 */
export async function generate(
  plan: LoadPlan,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<GeneratorFacts> {
  using generator = new Generator(plan, recorder, signal);
  return await generator.run();
}

class Generator implements ShotOwner, Disposable {
  readonly #plan: LoadPlan;
  readonly #recorder: Recorder;
  readonly #signal: AbortSignal;
  readonly #pools: readonly LinePool[];
  readonly #poolOf: readonly LinePool[];
  readonly #weights: readonly number[];
  readonly #over = Promise.withResolvers<void>();
  readonly #cpu: CpuMeter;
  #began = performance.now();
  /** Requests that were due within the time that counts. */
  #counted = 0;
  #underWay = 0;
  #isSending = true;
  /** All the planned time has passed. */
  #isFull = false;
  #thinking = new Set<number>();

  constructor(plan: LoadPlan, recorder: Recorder, signal: AbortSignal) {
    this.#plan = plan;
    this.#recorder = recorder;
    this.#signal = signal;
    const pools = new Map<string, LinePool>();
    this.#poolOf = plan.kinds.map(({ origin }) => {
      const key = `${origin.tls} ${origin.hostname} ${origin.port}`;
      const pool = pools.get(key) ?? new LinePool(origin, plan.kinds, plan.maxConnections, this);
      pools.set(key, pool);
      return pool;
    });
    this.#pools = [...pools.values()];
    this.#weights = cumulated(plan.kinds.map(({ weight }) => weight));
    this.#cpu = new CpuMeter(plan.warmUpMs);
  }

  async run(): Promise<GeneratorFacts> {
    const stop = () => this.#over.resolve();
    this.#signal.addEventListener("abort", stop);
    if (this.#signal.aborted) stop();
    this.#began = performance.now();
    const sweep = setInterval(() => this.#sweep(), sweepMs);
    try {
      const { loop } = this.#plan;
      if (loop.kind === "open") await this.#sendOpen(loop.arrivals);
      else await this.#sendClosed(loop.clients);
      await this.#over.promise;
      return this.#facts();
    } finally {
      clearInterval(sweep);
      this.#signal.removeEventListener("abort", stop);
    }
  }

  now(): number {
    return performance.now() - this.#began;
  }

  answered(shot: Shot, answer: ResponseParser): void {
    const endMs = this.now();
    const { judge } = this.#plan.kinds[shot.kind]!;
    const { status } = answer;
    const verdict = judge ? judge(status, answer.body()) : judgeStatus(status);
    this.#recorder.ended(shot, verdict, endMs, answer.bodyBytes);
  }

  failed(shot: Shot, failure: Failure, reason?: string): void {
    const verdict = { outcome: failure, ...(reason !== undefined && { message: reason }) };
    this.#recorder.ended(shot, verdict, this.now(), 0);
  }

  ended(_shot: Shot, failure: Failure | undefined): void {
    this.#underWay--;
    const { loop } = this.#plan;
    if (loop.kind === "closed" && this.#isSending) {
      this.#after(failure === "no_connection" ? reconnectMs : loop.thinkMs, () => this.#client());
    }
    this.#endIfDone();
  }

  [Symbol.dispose](): void {
    this.#isSending = false;
    for (const timer of this.#thinking) clearTimeout(timer);
    for (const pool of this.#pools) pool[Symbol.dispose]();
  }

  async #sendOpen(arrivals: Arrivals): Promise<void> {
    using pacer = await Pacer.start();
    const wake = () => pacer.wake();
    this.#signal.addEventListener("abort", wake);
    this.#began = performance.now();
    const endMs = this.#plan.warmUpMs + this.#plan.durationMs;
    for (let sent = 1, next = arrivals(); next && !this.#signal.aborted; next = arrivals()) {
      const dueMs = next.at * 1000;
      if (dueMs >= endMs) {
        await pacer.until(this.#began + endMs);
        this.#isFull = true;
        break;
      }
      if (dueMs > this.now() || sent++ % maxBatch === 0) {
        await pacer.until(this.#began + dueMs);
        if (this.#signal.aborted) break;
      }
      if (!this.#dispatch(next.kind ?? this.#draw(), dueMs)) break;
    }
    this.#signal.removeEventListener("abort", wake);
    this.#stopSending();
  }

  async #sendClosed(clients: number): Promise<void> {
    for (let client = 0; client < clients; client++) this.#client();
    const endMs = this.#plan.warmUpMs + this.#plan.durationMs;
    const timer = setTimeout(() => {
      this.#isFull = true;
      this.#stopSending();
    }, endMs);
    await this.#over.promise;
    clearTimeout(timer);
  }

  /** The next request of a client. */
  #client(): void {
    if (!this.#isSending) return;
    if (!this.#dispatch(this.#draw(), this.now())) this.#stopSending();
  }

  /** @returns false if there were enough */
  #dispatch(kind: number, dueMs: number): boolean {
    if (dueMs >= this.#plan.warmUpMs && ++this.#counted > this.#plan.maxRequests) {
      this.#counted--;
      return false;
    }
    const shot = { kind, dueMs, sentMs: NaN };
    this.#underWay++;
    this.#recorder.due(shot);
    this.#poolOf[kind]!.dispatch(shot);
    return true;
  }

  #draw(): number {
    if (this.#weights.length === 1) return 0;
    const at = this.#plan.random() * this.#weights.at(-1)!;
    return Math.max(0, this.#weights.findIndex((upTo) => at < upTo));
  }

  #after(ms: number, action: () => void): void {
    if (ms === 0) return action();
    const timer = setTimeout(() => {
      this.#thinking.delete(timer);
      action();
    }, ms);
    this.#thinking.add(timer);
  }

  #sweep(): void {
    const now = this.now();
    this.#cpu.tick(now);
    for (const pool of this.#pools) pool.expire(now - this.#plan.timeoutMs);
  }

  #stopSending(): void {
    this.#isSending = false;
    this.#cpu.stop(this.now());
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#isSending && this.#underWay === 0) this.#over.resolve();
  }

  #facts(): GeneratorFacts {
    this.#cpu.stop(this.now());
    const plannedMs = this.#plan.warmUpMs + this.#plan.durationMs;
    const isInterrupted = this.#signal.aborted;
    return {
      cpuShare: this.#cpu.share,
      connections: this.#pools.reduce((sum, { mostLines }) => sum + mostLines, 0),
      lacksConnections: this.#pools.some(({ wasExhausted }) => wasExhausted),
      cutOff: this.#underWay,
      isInterrupted,
      endMs: this.#isFull
        ? plannedMs
        : Math.min(plannedMs, isInterrupted ? this.now() : this.#recorder.lastMs),
    };
  }
}

/** CPU time of this process from the end of the warm-up to the last request. */
class CpuMeter {
  readonly #fromMs: number;
  #before: NodeJS.CpuUsage | undefined;
  #beganMs = 0;
  #share: number | undefined;

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  /** As a share of one core; 0 if nothing was measured. */
  get share(): number {
    return this.#share ?? 0;
  }

  tick(nowMs: number): void {
    if (this.#before || nowMs < this.#fromMs) return;
    this.#before = process.cpuUsage();
    this.#beganMs = nowMs;
  }

  stop(nowMs: number): void {
    if (this.#share !== undefined || !this.#before || nowMs <= this.#beganMs) return;
    const { user, system } = process.cpuUsage(this.#before);
    this.#share = (user + system) / 1000 / (nowMs - this.#beganMs);
  }
}

function cumulated(weights: readonly number[]): number[] {
  let sum = 0;
  return weights.map((weight) => sum += weight);
}

/**
 * Sends the requests of a plan: in an open loop when they are due, in a closed loop after the last
 * response to a client. The response time of a request counts from when it was due, not from when it was
 * sent, so that a stalled server cannot hide the stall (coordinated omission, G. Tene).
 *
 * @module
 */

import process from "node:process";
import type { Arrivals } from "./arrivals.ts";
import type { ResponseParser } from "./response_parser.ts";
import { validateStatus } from "./response_validator.ts";
import { ConnectionPool, type RequestFailure, type RequestOwner } from "./connection_pool.ts";
import { Pacer } from "./pacer.ts";
import type { LoadPlan, ScheduledRequest } from "./plan.ts";
import type { Recorder } from "./recorder.ts";

/** Interval between checks for timeouts, ms. */
const sweepMs = 100;
/** Delay of a closed-loop client after a failed connection, ms. */
const reconnectMs = 100;
/** Maximum number of requests sent in one turn of the event loop. */
const maxBatch = 64;

/** Statistics of the generator in a run. */
export interface GeneratorFacts {
  /** CPU time of the process in the measured time, as a share of one core. */
  readonly cpuShare: number;
  /** Peak number of connections. */
  readonly connections: number;
  /** True if requests waited because the maximum number of connections was reached. */
  readonly lacksConnections: boolean;
  /** Requests in flight when the run was stopped early. */
  readonly cutOff: number;
  /** True if the run was stopped early. */
  readonly isInterrupted: boolean;
  /**
   * End of the measured time, ms after the start: as planned, or when the last request ended or the run
   * was stopped, if that was earlier.
   */
  readonly endMs: number;
}

/**
 * Sends the requests of a plan.
 *
 * @param signal stops the run early
 * @returns when all requests have ended, or the signal was aborted
 */
export async function generate(
  plan: LoadPlan,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<GeneratorFacts> {
  using generator = new Generator(plan, recorder, signal);
  return await generator.run();
}

class Generator implements RequestOwner, Disposable {
  readonly #plan: LoadPlan;
  readonly #recorder: Recorder;
  readonly #signal: AbortSignal;
  readonly #pools: readonly ConnectionPool[];
  readonly #poolOf: readonly ConnectionPool[];
  readonly #weights: readonly number[];
  readonly #finished = Promise.withResolvers<void>();
  readonly #cpu: CpuMeter;
  #began = performance.now();
  /** Requests due within the measured time. */
  #counted = 0;
  #inFlight = 0;
  #isSending = true;
  /** True when the planned time has passed. */
  #isComplete = false;
  #thinking = new Set<number>();

  constructor(plan: LoadPlan, recorder: Recorder, signal: AbortSignal) {
    this.#plan = plan;
    this.#recorder = recorder;
    this.#signal = signal;
    const pools = new Map<string, ConnectionPool>();
    this.#poolOf = plan.kinds.map(({ origin }) => {
      const key = `${origin.isSecure} ${origin.hostname} ${origin.port}`;
      const pool = pools.get(key) ??
        new ConnectionPool(origin, plan, this);
      pools.set(key, pool);
      return pool;
    });
    this.#pools = [...pools.values()];
    this.#weights = cumulative(plan.kinds.map(({ weight }) => weight));
    this.#cpu = new CpuMeter(plan.warmUpMs);
  }

  async run(): Promise<GeneratorFacts> {
    const stop = () => this.#finished.resolve();
    this.#signal.addEventListener("abort", stop);
    if (this.#signal.aborted) stop();
    this.#began = performance.now();
    const sweep = setInterval(() => this.#sweep(), sweepMs);
    try {
      const { loop } = this.#plan;
      if (loop.kind === "open") await this.#sendOpen(loop.arrivals);
      else await this.#sendClosed(loop.clients);
      await this.#finished.promise;
      return this.#facts();
    } finally {
      clearInterval(sweep);
      this.#signal.removeEventListener("abort", stop);
    }
  }

  now(): number {
    return performance.now() - this.#began;
  }

  completed(request: ScheduledRequest, response: ResponseParser): void {
    const endMs = this.now();
    const { validator } = this.#plan.kinds[request.kind]!;
    const { status } = response;
    const validation = validator ? validator(status, response.body()) : validateStatus(status);
    this.#recorder.recordEnd(request, validation, endMs, response.bodyBytes);
  }

  failed(request: ScheduledRequest, failure: RequestFailure, reason?: string): void {
    const validation = { outcome: failure, ...(reason !== undefined && { message: reason }) };
    this.#recorder.recordEnd(request, validation, this.now(), 0);
  }

  ended(_request: ScheduledRequest, failure: RequestFailure | undefined): void {
    this.#inFlight--;
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
        this.#isComplete = true;
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
      this.#isComplete = true;
      this.#stopSending();
    }, endMs);
    await this.#finished.promise;
    clearTimeout(timer);
  }

  /** Sends the next request of a closed-loop client. */
  #client(): void {
    if (!this.#isSending) return;
    if (!this.#dispatch(this.#draw(), this.now())) this.#stopSending();
  }

  /** @returns false if the maximum number of requests is reached */
  #dispatch(kind: number, dueMs: number): boolean {
    if (dueMs >= this.#plan.warmUpMs && ++this.#counted > this.#plan.maxRequests) {
      this.#counted--;
      return false;
    }
    const request = { kind, dueMs, sentMs: NaN };
    this.#inFlight++;
    this.#recorder.recordDue(request);
    this.#poolOf[kind]!.dispatch(request);
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
    if (!this.#isSending && this.#inFlight === 0) this.#finished.resolve();
  }

  #facts(): GeneratorFacts {
    this.#cpu.stop(this.now());
    const plannedMs = this.#plan.warmUpMs + this.#plan.durationMs;
    const isInterrupted = this.#signal.aborted;
    return {
      cpuShare: this.#cpu.share,
      connections: this.#pools.reduce((sum, { peakConnections }) => sum + peakConnections, 0),
      lacksConnections: this.#pools.some(({ wasExhausted }) => wasExhausted),
      cutOff: this.#inFlight,
      isInterrupted,
      endMs: this.#isComplete
        ? plannedMs
        : Math.min(plannedMs, isInterrupted ? this.now() : this.#recorder.lastMs),
    };
  }
}

/** Measures CPU time from the end of the warm-up to the last request. */
class CpuMeter {
  readonly #fromMs: number;
  #before: NodeJS.CpuUsage | undefined;
  #beganMs = 0;
  #share: number | undefined;

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  /** CPU time as a share of one core; 0 if nothing was measured. */
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

function cumulative(weights: readonly number[]): number[] {
  let sum = 0;
  return weights.map((weight) => sum += weight);
}

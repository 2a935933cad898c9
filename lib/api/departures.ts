/**
 * Noticing that a client has left before it has its answer, so that its invocation is cancelled.
 *
 * Deno tells it by the request's signal, which must be asked for while the client is still there,
 * costs as much as half of all that a small request costs the server, and is aborted after good
 * answers too. (`completed` of the handler's second argument tells it only when the answer is sent.)
 * So the signal is asked for at once, but not where it would be for nothing: a function that
 * answered quickly last time is given {@link quickMs} to do so again. The price: a client that leaves
 * within this time of its arrival is not noticed, should such a function be slow for once.
 *
 * @module
 */

import { Bag, type BagMember, nowhere } from "../base/bag.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { Report } from "../model/invocation.ts";
import type { Invocation } from "./services.ts";

/** What is quick: less than this after its arrival an invocation has ended, ms. */
const quickMs = 20;

/** Most functions that are known to be quick; above, they are learnt anew. */
const maxQuick = 10_000;

/** One invocation whose client may leave. */
interface Watched extends BagMember {
  readonly name: string;
  readonly request: Request;
  readonly leave: () => void;
}

/** Cancels the invocations of clients that leave. */
export class Departures {
  readonly #clock: Clock;
  readonly #quick = new Set<string>();
  /** Invocations of quick functions that came since the last look, and before it. */
  #young = new Bag<Watched>();
  #old = new Bag<Watched>();
  #isLooking = false;

  /**
   * Begins with no knowledge of any function.
   *
   * @param clock times the looks at invocations that are not as quick as they used to be
   */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Waits for an invocation, and cancels it if its client leaves meanwhile.
   *
   * @param name the function
   * @param request the client's request
   * @param invocation what it asked for
   * @returns its report
   * @throws what the invocation throws
   */
  async during(name: string, request: Request, invocation: Invocation): Promise<Report> {
    const watched = { slot: nowhere, name, request, leave: () => invocation.cancel() };
    const isQuick = this.#quick.has(name);
    if (isQuick) this.#lookLater(watched);
    else watch(watched);
    try {
      const report = await invocation.done;
      if (!isQuick && report.ResponseTime * 1000 < quickMs) this.#learn(name);
      return report;
    } finally {
      const isUnwatched = this.#young.delete(watched) || this.#old.delete(watched);
      if (!isUnwatched) request.signal.removeEventListener("abort", watched.leave);
    }
  }

  #learn(name: string): void {
    if (this.#quick.size >= maxQuick) this.#quick.clear();
    this.#quick.add(name);
  }

  #lookLater(watched: Watched): void {
    this.#young.add(watched);
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#clock.after(quickMs, () => this.#look());
  }

  /** Those that were here at the last look already have had their time. */
  #look(): void {
    for (const watched of this.#old.all()) {
      this.#old.delete(watched);
      this.#quick.delete(watched.name);
      watch(watched);
    }
    [this.#old, this.#young] = [this.#young, this.#old];
    this.#isLooking = this.#old.size > 0;
    if (this.#isLooking) this.#clock.after(quickMs, () => this.#look());
  }
}

function watch({ request, leave }: Watched): void {
  request.signal.addEventListener("abort", leave);
}

/**
 * Timer that is more precise than `setTimeout`, whose median delay of 0.8 ms exceeds a warm start. A
 * thread that sleeps on a futex wakes the event loop with about a tenth of that delay, without busy
 * waiting.
 *
 * @module
 */

/** Indices of the shared cells. */
const cells = { order: 0, ring: 1 } as const;
/** Values of the cell `order`. */
const orders = { none: 0, sleep: 1 } as const;

/** Program of the thread: waits for an order, sleeps until its time, rings. */
const program = `
self.onmessage = ({ data: { shared, until } }) => {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    Atomics.wait(shared, ${cells.order}, ${orders.none});
    Atomics.store(shared, ${cells.order}, ${orders.none});
    const ms = until[0] - (performance.timeOrigin + performance.now());
    if (ms > 0) Atomics.wait(never, 0, 0, ms);
    Atomics.add(shared, ${cells.ring}, 1);
    Atomics.notify(shared, ${cells.ring});
  }
};
self.postMessage("ready");
`;

/** Precise timer for one caller; its thread ends with disposal. */
export class Pacer implements Disposable {
  readonly #worker: Worker;
  readonly #shared = new Int32Array(new SharedArrayBuffer(8));
  readonly #until = new Float64Array(new SharedArrayBuffer(8));

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.postMessage({ shared: this.#shared, until: this.#until });
  }

  /** Starts the thread. */
  static async start(): Promise<Pacer> {
    // A compiled program loads no `blob:` modules.
    const url = `data:text/javascript,${encodeURIComponent(program)}`;
    const worker = new Worker(url, { type: "module", name: "pacer" });
    try {
      await new Promise<void>((resolve, reject) => {
        worker.onmessage = () => resolve();
        worker.onerror = (event) => reject(new Error(event.message));
      });
      return new Pacer(worker);
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  /**
   * Waits until a time without blocking the event loop.
   *
   * @param atMs time on the clock of `performance.now()`; if it has passed, only yields
   */
  async until(atMs: number): Promise<void> {
    const seen = Atomics.load(this.#shared, cells.ring);
    this.#until[0] = performance.timeOrigin + atMs;
    Atomics.store(this.#shared, cells.order, orders.sleep);
    Atomics.notify(this.#shared, cells.order);
    const waiting = Atomics.waitAsync(this.#shared, cells.ring, seen);
    if (waiting.async) await waiting.value;
  }

  /** Wakes the waiting caller early. */
  wake(): void {
    Atomics.add(this.#shared, cells.ring, 1);
    Atomics.notify(this.#shared, cells.ring);
  }

  /** Ends the thread. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

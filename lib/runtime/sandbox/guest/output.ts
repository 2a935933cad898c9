/**
 * What a function writes: captured for each call, else sent to the instance's log.
 *
 * @module
 */

/** Most characters of output that one call keeps. */
const maxOutput = 1 << 20;
const outputCut = "\n[output cut here: it is longer than 1 MiB]\n";

/** What one call has written. */
export class Sink {
  /** The text so far. */
  text = "";
  #full = false;

  /**
   * Adds to it, up to the bound.
   *
   * @param text what is written
   */
  write(text: string): void {
    if (this.#full) return;
    this.text += text;
    if (this.text.length <= maxOutput) return;
    this.text = this.text.slice(0, maxOutput) + outputCut;
    this.#full = true;
  }
}

/** Knows which call is writing, where calls may overlap. */
export interface CallStorage {
  /** The sink of the call whose code runs now. */
  getStore(): Sink | undefined;
  /** Runs something whose output, now and later, belongs to a sink. */
  run(sink: Sink, body: () => void): void;
}

/** Directs what is written to the call that writes it. */
export class Output {
  readonly #storage: CallStorage | undefined;
  readonly #log: (text: string) => void;
  /** The sink of the call under way, where there is one at a time. */
  #current: Sink | undefined;

  /**
   * Where output goes.
   *
   * @param log takes what no call wrote
   * @param storage tells overlapping calls apart, which costs time: only where they may overlap
   */
  constructor(log: (text: string) => void, storage?: CallStorage) {
    this.#log = log;
    this.#storage = storage;
  }

  /**
   * Writes for whoever is running.
   *
   * @param text anything
   */
  write(text: string): void {
    const sink = this.#storage ? this.#storage.getStore() : this.#current;
    if (sink) sink.write(text);
    else this.#log(text);
  }

  /**
   * Runs a call's code.
   *
   * @param sink gets what it writes
   * @param body the code
   */
  begin(sink: Sink, body: () => void): void {
    if (this.#storage) return this.#storage.run(sink, body);
    this.#current = sink;
    body();
  }

  /**
   * Ends a call: what its leftovers write from now on goes to the log.
   *
   * @param sink the call's
   */
  end(sink: Sink): void {
    if (this.#current === sink) this.#current = undefined;
  }
}

/**
 * Sandbox's end of the pipe from which an idle sandbox reads its next call.
 *
 * @module
 */

import { FrameReader } from "../../wire/frames.ts";
import type { Wire } from "./wire.ts";

/** State of Deno's event loop, which Deno exposes to its own modules only. */
interface EventLoop {
  /** Reports whether timers, operations or unreported rejections are pending. */
  eventLoopHasMoreWork(): boolean;
}

/** Waits for calls in a blocking read, which costs a fraction of waiting in the event loop. */
export class CallPipe {
  readonly #loop: EventLoop;
  readonly #wire: Wire;
  readonly #reader = new FrameReader();
  readonly #stdin = Deno.stdin;
  /** True from the reply that announces a read of the pipe until that read starts. */
  #isDue = false;
  #wake: () => void = () => {};

  private constructor(loop: EventLoop, wire: Wire) {
    this.#loop = loop;
    this.#wire = wire;
  }

  /**
   * Opens this process's standard input as the call pipe. Must be called before `Deno` is replaced.
   *
   * @param wire receives all other messages
   * @returns undefined if the event loop does not report whether it has pending work
   */
  static open(wire: Wire): CallPipe | undefined {
    const { internal } = Deno as unknown as { internal: symbol };
    const { core } = (Deno as unknown as Record<symbol, { core?: Partial<EventLoop> }>)[internal]!;
    return core?.eventLoopHasMoreWork ? new CallPipe(core as EventLoop, wire) : undefined;
  }

  /**
   * Sends a reply. If no work is pending (no timer of the function, no unreported rejection), the reply
   * announces that the sandbox now waits for a call on the pipe.
   *
   * @param by channel that carries the reply
   * @throws `PAYLOAD_TOO_LARGE` if the reply is too long; in that case nothing is sent
   */
  reply(message: object, by: Pick<Wire, "send">): void {
    const waits = !this.#hasMoreWork();
    by.send(waits ? { ...message, waits } : message);
    if (!waits) return;
    this.#isDue = true;
    this.#wake();
  }

  /**
   * Passes every call of the pipe to a callback. Returns when the node has closed the pipe.
   *
   * @param accept receives each call, parsed and as the text of its frame
   */
  async run(accept: (message: Record<string, unknown>, text: string) => void): Promise<void> {
    for (;;) {
      if (!this.#isDue) await new Promise<void>((resolve) => this.#wake = resolve);
      this.#isDue = false;
      await this.#wire.flushed;
      const text = await this.#next();
      if (text === undefined) return;
      const message = JSON.parse(text);
      // An empty message only ends the blocking read.
      if (message.id !== undefined) accept(message, text);
    }
  }

  async #next(): Promise<string | undefined> {
    for (;;) {
      const text = this.#reader.next();
      if (text !== undefined) return text;
      const space = this.#reader.space();
      // Work that started after the reply continues while the sandbox waits for the call.
      const count = this.#hasMoreWork()
        ? await this.#stdin.read(space)
        : this.#stdin.readSync(space);
      if (count === null) return undefined;
      this.#reader.received(count);
    }
  }

  #hasMoreWork(): boolean {
    return this.#wire.unnoticed(() => this.#loop.eventLoopHasMoreWork());
  }
}

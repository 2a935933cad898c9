/**
 * The sandbox's end of the pipe on which it waits for its next call while it has nothing else to do.
 *
 * @module
 */

import { FrameReader } from "../../wire/frames.ts";
import type { Wire } from "./wire.ts";

/** What Deno's event loop tells of itself, to nobody but Deno's own modules. */
interface EventLoop {
  /** True while anything is under way: timers, operations, rejections that nobody has seen yet. */
  eventLoopHasMoreWork(): boolean;
}

/** Waits for calls in a blocking read, which costs a fraction of what waiting in the event loop does. */
export class CallPipe {
  readonly #loop: EventLoop;
  readonly #wire: Wire;
  readonly #reader = new FrameReader();
  readonly #stdin = Deno.stdin;
  /** True once a reply has said that the sandbox waits, until it does. */
  #isDue = false;
  #wake: () => void = () => {};

  private constructor(loop: EventLoop, wire: Wire) {
    this.#loop = loop;
    this.#wire = wire;
  }

  /**
   * The pipe that is this process's standard input. It has to be made before `Deno` is replaced.
   *
   * @param wire by which everything else comes
   * @returns undefined where the event loop does not tell whether it has anything to do
   */
  static open(wire: Wire): CallPipe | undefined {
    const { internal } = Deno as unknown as { internal: symbol };
    const { core } = (Deno as unknown as Record<symbol, { core?: Partial<EventLoop> }>)[internal]!;
    return core?.eventLoopHasMoreWork ? new CallPipe(core as EventLoop, wire) : undefined;
  }

  /**
   * Sends a reply. Where nothing is left behind to be done behind it (no timer of the function's, no
   * rejection to be reported), it says that the sandbox now waits for a call on the pipe.
   *
   * @param by which way it goes
   * @throws `PAYLOAD_TOO_LARGE`, and then nothing is sent
   */
  reply(message: object, by: Pick<Wire, "send">): void {
    const waits = !this.#hasMoreWork();
    by.send(waits ? { ...message, waits } : message);
    if (!waits) return;
    this.#isDue = true;
    this.#wake();
  }

  /**
   * Hands every call that comes by the pipe to somebody; returns when the node has closed it.
   *
   * @param accept takes them, parsed and as they came
   */
  async run(accept: (message: Record<string, unknown>, text: string) => void): Promise<void> {
    for (;;) {
      if (!this.#isDue) await new Promise<void>((resolve) => this.#wake = resolve);
      this.#isDue = false;
      await this.#wire.flushed;
      const text = await this.#next();
      if (text === undefined) return;
      const message = JSON.parse(text);
      // An empty message only wakes.
      if (message.id !== undefined) accept(message, text);
    }
  }

  async #next(): Promise<string | undefined> {
    for (;;) {
      const text = this.#reader.next();
      if (text !== undefined) return text;
      const space = this.#reader.space();
      // What began only behind the reply goes on while the call is waited for.
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

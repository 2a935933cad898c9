/**
 * Node's end of the pipe on which an idle sandbox waits for its next call.
 *
 * A sandbox that waits on its socket does so in its event loop, which costs twice as much as a trivial call.
 * In addition, a socket wakes both sides once more when the data has been read. A blocking read of a pipe
 * costs one system call. A reply therefore announces whether its sandbox now waits on the pipe. If so, the
 * next call is sent on the pipe, and everything else on the socket.
 *
 * @module
 */

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { FrameBatch } from "../wire/frames.ts";

/** Maximum size of atomic writes (pipe(7), `PIPE_BUF`), bytes. */
const maxPipeFrame = 4096;

/** Frame that makes the sandbox read its socket. */
const ring = "{}";

/** Write end of a pipe. Disposing it closes it. */
export class CallPipe implements Disposable {
  readonly #fd: number;
  readonly #frame = new FrameBatch(maxPipeFrame);
  #isOpen = true;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Opens a process's standard input, which must be a pipe, for non-blocking writes.
   *
   * @returns undefined if the system does not allow it
   */
  static open(pid: number): CallPipe | undefined {
    try {
      return new CallPipe(openSync(`/proc/${pid}/fd/0`, constants.O_WRONLY | constants.O_NONBLOCK));
    } catch {
      return undefined; // Calls use the socket, then.
    }
  }

  /**
   * Sends a call to a sandbox that waits on the pipe.
   *
   * @param text JSON
   * @param value JSON of the last value; the text must end before it and the closing brace
   * @returns false if the call has to be sent on the socket, which the sandbox reads from now on
   */
  send(text: string, value?: Uint8Array): boolean {
    const bound = text.length * 3 + (value?.length ?? 0);
    if (bound < maxPipeFrame && this.#write(text, value)) return true;
    this.ring();
    return false;
  }

  /** Makes the sandbox continue with background work. */
  ring(): void {
    this.#write(ring);
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#fd);
  }

  /** @returns false if the sandbox has ended, or has filled the pipe itself */
  #write(text: string, value?: Uint8Array): boolean {
    if (!this.#isOpen) return false;
    this.#frame.add(text, value);
    try {
      writeSync(this.#fd, this.#frame.bytes());
      return true;
    } catch {
      return false;
    } finally {
      this.#frame.clear();
    }
  }
}

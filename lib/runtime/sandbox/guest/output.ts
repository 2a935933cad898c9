/**
 * Output of a function. It is sent to the node immediately, with the id of the call that writes it. An
 * endless loop, a crash or exhausted memory therefore loses no output.
 *
 * @module
 */

/** Maximum output of a call, characters. */
const maxOutput = 1 << 20;
const outputCut = "\n[output cut here: it is longer than 1,048,576 characters]\n";
/** Maximum length of a message, characters. In UTF-8 each takes at most three bytes. */
const maxPiece = 20 << 10;

/** Target of output. Both methods return when the output can no longer be lost. */
export interface OutputTarget {
  /**
   * Sends the output of a call.
   *
   * @param text of bounded length
   */
  readonly send: (id: string, text: string) => void;
  /**
   * Logs output that belongs to no call.
   *
   * @param text of any length
   */
  readonly log: (text: string) => void;
}

/** Decoders of UTF-8, one for each stream, because a piece of bytes may end within a character. */
class Decoders {
  readonly #byStream = new Map<number, TextDecoder>();

  decode(stream: number, bytes: Uint8Array): string {
    let decoder = this.#byStream.get(stream);
    if (!decoder) this.#byStream.set(stream, decoder = new TextDecoder());
    return decoder.decode(bytes, { stream: true });
  }

  /** @returns replacement characters for incomplete characters */
  flush(): string {
    let rest = "";
    for (const decoder of this.#byStream.values()) rest += decoder.decode();
    return rest;
  }
}

/** Output of one call. Code that outlives the call may still write to it. */
export class CallOutput {
  readonly #id: string;
  readonly #send: OutputTarget["send"];
  #decoders: Decoders | undefined;
  #length = 0;

  /**
   * Creates the empty output of one call.
   *
   * @param id the call's
   * @param send sends the output of a call
   */
  constructor(id: string, send: OutputTarget["send"]) {
    this.#id = id;
    this.#send = send;
  }

  /** Sends text up to the maximum output of a call. */
  write(text: string): void {
    const room = maxOutput - this.#length;
    if (room < 0 || text === "") return;
    this.#length += text.length;
    const kept = text.length > room ? text.slice(0, room) + outputCut : text;
    if (kept.length <= maxPiece) return this.#send(this.#id, kept);
    for (let at = 0; at < kept.length;) {
      const piece = wholeCharacters(kept.slice(at, at + maxPiece));
      this.#send(this.#id, piece);
      at += piece.length;
    }
  }

  /**
   * Sends UTF-8 text. A piece may end within a character.
   *
   * @param stream 1 for standard output, 2 for standard error
   */
  writeBytes(stream: number, bytes: Uint8Array): void {
    this.#decoders ??= new Decoders();
    this.write(this.#decoders.decode(stream, bytes));
  }

  /** Sends incomplete characters at the end of the call. */
  flush(): void {
    if (this.#decoders) this.write(this.#decoders.flush());
  }
}

/** Returns a piece without a trailing high surrogate, which belongs to the next piece. */
function wholeCharacters(piece: string): string {
  const last = piece.charCodeAt(piece.length - 1);
  const isHalf = piece.length > 1 && last >= 0xd800 && last < 0xdc00;
  return isHalf ? piece.slice(0, -1) : piece;
}

/** Tracks the call that is running, across asynchronous steps and timers. */
export interface CallStorage {
  /** Returns the output of the call whose code is running. */
  getStore(): CallOutput | undefined;
  /** Runs a function whose output belongs to a call, including output of later asynchronous steps. */
  run(output: CallOutput, body: () => void): void;
}

/** Routes output to the call that writes it. */
export class Output {
  readonly #target: OutputTarget;
  readonly #storage: CallStorage;
  readonly #decoders = new Decoders();

  /**
   * Creates a router of output to the running call, or to the log if no call runs.
   *
   * @param target receives the output
   * @param storage tracks the running call
   */
  constructor(target: OutputTarget, storage: CallStorage) {
    this.#target = target;
    this.#storage = storage;
  }

  /**
   * Writes text to the output of the running call, or to the log.
   *
   * @param text of any length
   */
  write(text: string): void {
    const call = this.#storage.getStore();
    if (call) call.write(text);
    else this.#target.log(text);
  }

  /**
   * Writes UTF-8 bytes to the output of the running call, or to the log.
   *
   * @param stream 1 for standard output, 2 for standard error
   */
  writeBytes(stream: number, bytes: Uint8Array): void {
    const call = this.#storage.getStore();
    if (call) call.writeBytes(stream, bytes);
    else this.#target.log(this.#decoders.decode(stream, bytes));
  }

  /** Output of the call whose code is running; undefined if the code belongs to no call. */
  get owner(): CallOutput | undefined {
    return this.#storage.getStore();
  }

  /** Creates the output of a call. */
  open(id: string): CallOutput {
    return new CallOutput(id, this.#target.send);
  }

  /**
   * Runs a call's code.
   *
   * @param call receives the output
   */
  run(call: CallOutput, body: () => void): void {
    this.#storage.run(call, body);
  }
}

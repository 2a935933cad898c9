/**
 * Output of a function: sent to the node at once, with the call that writes it. An endless loop, a
 * crash or a lack of memory then loses nothing of it.
 *
 * @module
 */

/** Most characters of output that one call may have. */
const maxOutput = 1 << 20;
const outputCut = "\n[output cut here: it is longer than 1 MiB]\n";
/** Most characters of one message; in UTF-8 they take three times as many bytes at most. */
const maxPiece = 20 << 10;

/** Target of output. Both methods return when it cannot be lost any more. */
export interface OutputTarget {
  /**
   * Takes what a call writes.
   *
   * @param text a piece of bounded length
   */
  readonly send: (id: string, text: string) => void;
  /**
   * Takes what no call writes.
   *
   * @param text anything
   */
  readonly log: (text: string) => void;
}

/** Pieces of text that arrive as bytes; one for each stream, since characters may be cut anywhere. */
class Decoders {
  readonly #byStream = new Map<number, TextDecoder>();

  decode(stream: number, bytes: Uint8Array): string {
    let decoder = this.#byStream.get(stream);
    if (!decoder) this.#byStream.set(stream, decoder = new TextDecoder());
    return decoder.decode(bytes, { stream: true });
  }

  /** @returns what stands for characters of which the end never came */
  flush(): string {
    let rest = "";
    for (const decoder of this.#byStream.values()) rest += decoder.decode();
    return rest;
  }
}

/** The output of one call. What is left of the call may write to it after its end. */
export class CallOutput {
  readonly #id: string;
  readonly #send: OutputTarget["send"];
  #decoders: Decoders | undefined;
  #length = 0;

  /** @param send see {@link OutputTarget} */
  constructor(id: string, send: OutputTarget["send"]) {
    this.#id = id;
    this.#send = send;
  }

  /** Sends text, up to the bound. */
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
   * Sends text that comes as UTF-8, in pieces that may end within a character.
   *
   * @param stream 1 for standard output, 2 for standard error
   */
  writeBytes(stream: number, bytes: Uint8Array): void {
    this.#decoders ??= new Decoders();
    this.write(this.#decoders.decode(stream, bytes));
  }

  /** The call ends: sends what is held back. */
  flush(): void {
    if (this.#decoders) this.write(this.#decoders.flush());
  }
}

/** A piece without the first half of a character whose second half is in the next. */
function wholeCharacters(piece: string): string {
  const last = piece.charCodeAt(piece.length - 1);
  const isHalf = piece.length > 1 && last >= 0xd800 && last < 0xdc00;
  return isHalf ? piece.slice(0, -1) : piece;
}

/** Knows which call is writing, across asynchronous steps and timers. */
export interface CallStorage {
  /** The output of the call whose code runs now. */
  getStore(): CallOutput | undefined;
  /** Runs something whose output, now and later, belongs to a call. */
  run(output: CallOutput, body: () => void): void;
}

/** Directs what is written to the call that writes it. */
export class Output {
  readonly #target: OutputTarget;
  readonly #storage: CallStorage;
  readonly #decoders = new Decoders();

  /** @param storage tells calls apart */
  constructor(target: OutputTarget, storage: CallStorage) {
    this.#target = target;
    this.#storage = storage;
  }

  /**
   * Writes for whoever is running.
   *
   * @param text anything
   */
  write(text: string): void {
    const call = this.#storage.getStore();
    if (call) call.write(text);
    else this.#target.log(text);
  }

  /**
   * Writes bytes of UTF-8 for whoever is running.
   *
   * @param stream 1 for standard output, 2 for standard error
   */
  writeBytes(stream: number, bytes: Uint8Array): void {
    const call = this.#storage.getStore();
    if (call) call.writeBytes(stream, bytes);
    else this.#target.log(this.#decoders.decode(stream, bytes));
  }

  /** The output of the call whose code runs now; undefined if it is no call's. */
  get owner(): CallOutput | undefined {
    return this.#storage.getStore();
  }

  /** Makes the output of a call. */
  open(id: string): CallOutput {
    return new CallOutput(id, this.#target.send);
  }

  /**
   * Runs a call's code.
   *
   * @param call gets what it writes
   */
  run(call: CallOutput, body: () => void): void {
    this.#storage.run(call, body);
  }
}

/**
 * WASI preview 1 for functions: arguments, environment, clocks, random numbers and the three standard
 * streams; no files, no network. One object serves all instances of a module, one after the other.
 *
 * @module
 */

import { WASI, wasi as codes, WASIProcExit } from "@bjorn3/browser_wasi_shim";
import { wasiFunctions } from "../../../../wasm/function.ts";
import type { CallOutput } from "../output.ts";
import { Input, PassedOn, Result, type Stream } from "./stdio.ts";

/** What a shell tells of a program that ended by a signal. */
const signalStatus = 128;
/** `subscription`, `event` and `iovec` of WASI, bytes. */
const sizes = { subscription: 48, event: 32, vector: 8 } as const;
/** Most subscriptions of one `poll_oneoff`. */
const maxSubscriptions = 64;

const nothing = new Uint8Array();
const noView = new DataView<ArrayBufferLike>(nothing.buffer);

/** The system that modules see. */
export class WasiSystem {
  readonly #shim: WASI;
  #view: DataView<ArrayBufferLike> = noView;
  #bytes: Uint8Array = nothing;
  /** Standard input. */
  readonly stdin: Input = new Input();
  /** What is written to standard output, where that is the result. */
  readonly result: Result;
  readonly #stdout: Stream;
  readonly #stderr = new PassedOn(2);
  /** The functions, for {@link WebAssembly.Instance}. */
  readonly imports: WebAssembly.ModuleImports;

  /**
   * @param maxResultBytes most bytes of the result, beyond which a module is stopped; left out:
   *   standard output is output like standard error
   */
  constructor(maxResultBytes?: number) {
    this.result = new Result(maxResultBytes ?? 0);
    this.#stdout = maxResultBytes === undefined ? new PassedOn(1) : this.result;
    this.#shim = new WASI([], [], [], { debug: false });
    this.memory = undefined;
    const functions: Record<string, WasiFunction> = {
      ...this.#shim.wasiImport,
      ...own(() => this.#memoryView()),
    };
    this.imports = {
      ...Object.fromEntries([...wasiFunctions].map((name) => [name, guarded(functions[name]!)])),
      ...this.#transfers(),
    };
  }

  /**
   * Makes the system new: streams empty, nothing opened or closed.
   *
   * @param args arguments, in ASCII (the shim counts a character as a byte)
   * @param env environment variables, `NAME=value`
   * @param stdin bytes of standard input
   */
  reset(args: string[], env: string[], stdin: Uint8Array<ArrayBuffer>): void {
    this.#shim.args = args;
    this.#shim.env = env;
    this.forget();
    this.stdin.set(stdin);
    this.#shim.fds = [this.stdin, this.#stdout, this.#stderr];
  }

  /** Takes what is written from now on, when it is written. */
  set output(output: CallOutput) {
    for (const stream of [this.#stdout, this.#stderr]) {
      if (stream instanceof PassedOn) stream.output = output;
    }
  }

  /** Both views of the module's memory, created again only when it has grown. */
  #memoryView(): DataView {
    const { buffer } = this.#shim.inst.exports.memory;
    if (this.#view.buffer !== buffer) {
      this.#view = new DataView(buffer);
      this.#bytes = new Uint8Array(buffer);
    }
    return this.#view;
  }

  /** Reading and writing: every command does, and the shim takes longer for it than the command. */
  #transfers(): WebAssembly.ModuleImports {
    const move =
      (way: "read" | "write") =>
      (fd: number, vectors: number, count: number, moved: number): number => {
        // There are no others than the three standard streams.
        const stream = this.#shim.fds[fd] as Stream | undefined;
        if (!stream) return codes.ERRNO_BADF;
        const view = this.#memoryView();
        let total = 0;
        try {
          // Numbers come signed.
          const first = vectors >>> 0;
          const end = first + (count >>> 0) * sizes.vector;
          for (let at = first; at < end; at += sizes.vector) {
            const from = view.getUint32(at, true);
            const length = view.getUint32(at + 4, true);
            if (from + length > view.byteLength) return codes.ERRNO_FAULT;
            const done = stream[way](this.#bytes.subarray(from, from + length));
            if (done === undefined) return codes.ERRNO_BADF;
            total += done;
            if (done < length) break;
          }
          view.setUint32(moved >>> 0, total, true);
        } catch (error) {
          if (error instanceof RangeError) return codes.ERRNO_FAULT;
          throw error;
        }
        return codes.ERRNO_SUCCESS;
      };
    return { fd_read: move("read"), fd_write: move("write") };
  }

  /** Empties the streams, so that what went through them takes no memory. */
  forget(): void {
    this.stdin.set(nothing);
    this.result.clear();
  }

  /**
   * The memory of the instance that calls from now on; undefined between calls and for modules without
   * one. It has to be set before the instance is created: its start function may call already.
   */
  set memory(memory: WebAssembly.Memory | undefined) {
    // Views would keep all of a memory that nobody uses any more.
    if (!memory) {
      this.#view = noView;
      this.#bytes = nothing;
    }
    // The shim wants an instance, of which it only uses the memory.
    this.#shim.inst = { exports: { memory: memory! } };
  }
}

/**
 * The status with which a module ended itself.
 *
 * @param thrown what a call of the module threw
 * @returns undefined if it is no such end
 */
export function exitStatusOf(thrown: unknown): number | undefined {
  return thrown instanceof WASIProcExit ? thrown.code : undefined;
}

// deno-lint-ignore no-explicit-any -- numbers and bigints, as each function's signature has them
type WasiFunction = (...args: any[]) => unknown;

/** A bad pointer is the module's mistake, and WASI has an error for it. */
function guarded(call: WasiFunction): WasiFunction {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      if (error instanceof RangeError) return codes.ERRNO_FAULT;
      throw error;
    }
  };
}

/** Functions that the shim lacks, or that work otherwise there. */
function own(view: () => DataView): Record<string, WasiFunction> {
  const noSocket = () => codes.ERRNO_NOTSOCK;
  return {
    sock_accept: noSocket,
    sock_recv: noSocket,
    sock_send: noSocket,
    sock_shutdown: noSocket,
    proc_raise: (signal: number) => {
      throw new WASIProcExit(signalStatus + signal);
    },
    poll_oneoff: (subscriptions: number, events: number, count: number, stored: number) =>
      poll(view(), { subscriptions, events, count, stored }),
  };
}

/** Where `poll_oneoff` finds its arguments and leaves its results. */
interface PollArguments {
  readonly subscriptions: number;
  readonly events: number;
  readonly count: number;
  readonly stored: number;
}

/**
 * Waits for the earliest clock; the streams are always ready. (The shim's own takes one subscription
 * and waits in a busy loop.)
 */
function poll(view: DataView, { subscriptions, events, count, stored }: PollArguments): number {
  if (count === 0 || count > maxSubscriptions) return codes.ERRNO_INVAL;
  const waits = Array.from({ length: count }, (_, i) => {
    const at = subscriptions + i * sizes.subscription;
    const type = view.getUint8(at + 8);
    return { at, type, ms: type === codes.EVENTTYPE_CLOCK ? remainingMs(view, at) : 0 };
  });
  const ms = Math.min(...waits.map(({ ms }) => ms));
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  const ready = waits.filter((wait) => wait.ms <= ms);
  for (const [i, { at, type }] of ready.entries()) {
    const event = events + i * sizes.event;
    for (let byte = 0; byte < sizes.event; byte++) view.setUint8(event + byte, 0);
    view.setBigUint64(event, view.getBigUint64(at, true), true);
    view.setUint8(event + 10, type);
  }
  view.setUint32(stored, ready.length, true);
  return codes.ERRNO_SUCCESS;
}

/** Time until a clock's subscription is due, ms. */
function remainingMs(view: DataView, at: number): number {
  const clock = view.getUint32(at + 16, true);
  const timeoutMs = Number(view.getBigUint64(at + 24, true)) / 1e6;
  const absolute = view.getUint16(at + 40, true) & codes.SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
  if (absolute === 0) return timeoutMs;
  const now = clock === codes.CLOCKID_REALTIME ? Date.now() : performance.now();
  return Math.max(0, timeoutMs - now);
}

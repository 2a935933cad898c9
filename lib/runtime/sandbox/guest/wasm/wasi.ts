/**
 * WASI preview 1 for functions: arguments, environment, clocks, random numbers and the three standard
 * streams, but no files and no network. One object serves all instances of a module, one after the other.
 *
 * @module
 */

import { WASI, wasi as codes, WASIProcExit } from "@bjorn3/browser_wasi_shim";
import { wasiFunctions } from "../../../../wasm/function.ts";
import type { CallOutput } from "../output.ts";
import { Input, PassedOn, Result, type Stream } from "./stdio.ts";

/** Base of the exit status of a program that was ended by a signal, as in shells. */
const signalStatus = 128;
/** `subscription`, `event` and `iovec` of WASI, bytes. */
const sizes = { subscription: 48, event: 32, vector: 8 } as const;
/** Maximum number of subscriptions of one `poll_oneoff`. */
const maxSubscriptions = 64;

const nothing = new Uint8Array();
const noView = new DataView<ArrayBufferLike>(nothing.buffer);

/** System that modules see. */
export class WasiSystem {
  readonly #shim: WASI;
  #view: DataView<ArrayBufferLike> = noView;
  #bytes: Uint8Array = nothing;
  /** Standard input of the module. */
  readonly stdin: Input = new Input();
  /** Data written to standard output, if that is the result. */
  readonly result: Result;
  readonly #stdout: Stream;
  readonly #stderr = new PassedOn(2);
  /** Imported functions, for {@link WebAssembly.Instance}. */
  readonly imports: WebAssembly.ModuleImports;

  /**
   * Creates a system with empty streams.
   *
   * @param maxResultBytes maximum size of the result, beyond which a module is stopped; if omitted, standard
   *   output is treated as output, like standard error
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
   * Resets the system: empties the streams and reopens the standard file descriptors.
   *
   * @param args arguments in ASCII (the shim counts a character as a byte)
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

  /** Sets the receiver of output, which gets it as it is written. */
  set output(output: CallOutput) {
    for (const stream of [this.#stdout, this.#stderr]) {
      if (stream instanceof PassedOn) stream.output = output;
    }
  }

  /**
   * Updates both views of the module's memory, which is necessary only after it has grown or been replaced.
   */
  #memoryView(): DataView {
    const { buffer } = this.#shim.inst.exports.memory;
    if (this.#view.buffer !== buffer) {
      this.#view = new DataView(buffer);
      this.#bytes = new Uint8Array(buffer);
    }
    return this.#view;
  }

  /**
   * Creates `fd_read` and `fd_write`. Every command uses them, and the shim's versions take longer than the
   * command.
   */
  #transfers(): WebAssembly.ModuleImports {
    const move =
      (way: "read" | "write") =>
      (fd: number, vectors: number, count: number, moved: number): number => {
        // The three standard streams are the only file descriptors.
        const stream = this.#shim.fds[fd] as Stream | undefined;
        if (!stream) return codes.ERRNO_BADF;
        const view = this.#memoryView();
        let total = 0;
        try {
          // WebAssembly passes 32-bit integers as signed.
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

  /** Empties the streams to release their memory. */
  forget(): void {
    this.stdin.set(nothing);
    this.result.clear();
  }

  /**
   * Memory of the instance that calls the functions; undefined between calls and for modules without memory.
   * Must be set before the instance is created, because its start function may call them.
   */
  set memory(memory: WebAssembly.Memory | undefined) {
    // Views would keep an unused memory alive.
    if (!memory) {
      this.#view = noView;
      this.#bytes = nothing;
    }
    // The shim needs an instance, but uses only its memory.
    this.#shim.inst = { exports: { memory: memory! } };
  }
}

/**
 * Returns the status with which a module exited.
 *
 * @param thrown by a call of the module
 * @returns undefined if the module did not exit
 */
export function exitStatusOf(thrown: unknown): number | undefined {
  return thrown instanceof WASIProcExit ? thrown.code : undefined;
}

// deno-lint-ignore no-explicit-any -- numbers and bigints, as each function's signature has them
type WasiFunction = (...args: any[]) => unknown;

/** Wraps a function to return WASI's error for a bad pointer. */
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

/** Returns functions that the shim lacks or implements differently. */
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

/** Arguments of `poll_oneoff`. */
interface PollArguments {
  readonly subscriptions: number;
  readonly events: number;
  readonly count: number;
  readonly stored: number;
}

/**
 * Waits for the earliest clock. The streams are always ready. (The shim's version accepts one subscription
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

/** Returns the time until a clock's subscription is due, ms. */
function remainingMs(view: DataView, at: number): number {
  const clock = view.getUint32(at + 16, true);
  const timeoutMs = Number(view.getBigUint64(at + 24, true)) / 1e6;
  const absolute = view.getUint16(at + 40, true) & codes.SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
  if (absolute === 0) return timeoutMs;
  const now = clock === codes.CLOCKID_REALTIME ? Date.now() : performance.now();
  return Math.max(0, timeoutMs - now);
}

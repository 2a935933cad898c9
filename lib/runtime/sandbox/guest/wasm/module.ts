/**
 * Runs the WebAssembly module of one function. The module is compiled once. Each call gets a new or reset
 * instance, unless the function keeps state. The module has no I/O of its own: it receives bytes and calls,
 * and returns replies.
 *
 * @module
 */

import { readWasm } from "../../../../wasm/binary.ts";
import {
  planWasm,
  wasiModule,
  type WasmDemand,
  type WasmEntry,
  wasmPageLimit,
} from "../../../../wasm/function.ts";
import type { Reply } from "../../../environment.ts";
import { maxFrameBytes } from "../../../wire/frames.ts";
import { cgiAnswer, type CgiRequest, cgiRequest, plainAnswer } from "./cgi.ts";
import type { RawCall } from "../loader.ts";
import type { CallOutput } from "../output.ts";
import { exitStatusOf, WasiSystem } from "./wasi.ts";
import { isHttpEvent } from "../web_request.ts";
import { describeFailure } from "./failure.ts";
import { bytesToJson, callWithJson, type JsonExports } from "./json.ts";
import { importMemory, MemorySource } from "../../../../wasm/memory.ts";
import { numbersToJson, toNumbers } from "../../../../wasm/numbers.ts";
import { InstanceReset, type WasmInstance } from "../../../../wasm/reset.ts";

/** Longest argument, as on Linux (`MAX_ARG_STRLEN` less the final NUL). */
export const maxArgument = (1 << 17) - 1;

/** Maximum length of a text that is encoded into a reused buffer, characters. Each takes at most 3 bytes. */
const shortText = 4096;

const encoder = new TextEncoder();

/** Options of {@link WasmFunction}. */
export interface WasmOptions extends WasmDemand {
  readonly functionName: string;
  /** Environment variables. Each call also gets its id and its deadline. */
  readonly env: Readonly<Record<string, string>>;
  /** Clock, Unix time in ms. */
  readonly now: () => number;
  /** Collects garbage. */
  readonly collect: () => void;
}

/** Exported function of a module. */
type Export = (...args: (number | bigint)[]) => unknown;

/** Function whose code is a WebAssembly module. */
export class WasmFunction {
  readonly #options: WasmOptions;
  readonly #entry: WasmEntry;
  readonly #module: WebAssembly.Module;
  readonly #memories: MemorySource;
  /** Undefined if each call gets a new instance or all calls share one. */
  readonly #reset: InstanceReset | undefined;
  readonly #system: WasiSystem;
  readonly #env: readonly string[];
  readonly #short = new Uint8Array(3 * shortText);
  /** Instance for the next call. */
  #kept: WasmInstance | undefined;

  /**
   * Checks and compiles a module.
   *
   * @throws {WasmFormatError} or {WasmRefusal} if the module cannot be run, `WebAssembly.CompileError` if it
   *   is not valid
   */
  constructor(bytes: Uint8Array, options: WasmOptions) {
    const facts = readWasm(bytes);
    const maxPages = wasmPageLimit(options.memoryMib);
    this.#options = options;
    this.#entry = planWasm(facts, options);
    // A command's standard output is its result.
    this.#system = new WasiSystem(this.#entry.kind === "command" ? maxFrameBytes : undefined);
    this.#reset = options.stateful ? undefined : InstanceReset.of(bytes, facts);
    const bounded = importMemory(bytes, facts, maxPages, this.#reset?.exports);
    this.#module = new WebAssembly.Module(bounded as Uint8Array<ArrayBuffer>);
    this.#memories = new MemorySource(facts, maxPages, options.collect);
    this.#env = Object.entries(options.env).map(([name, value]) => `${name}=${value}`);
  }

  /** True if {@link WasmFunction.tidy} has work to do. */
  get untidy(): boolean {
    return this.#memories.littered;
  }

  /** Collects memory that calls no longer use. Takes some milliseconds. */
  tidy(): void {
    this.#memories.tidy();
  }

  /**
   * Runs the function once. Never throws: any outcome is a result or a failure.
   *
   * @param output receives the function's output as it is written
   */
  call(call: RawCall, output: CallOutput): Reply {
    const kept = this.#kept;
    this.#kept = undefined;
    const request = this.#requestIn(call.params);
    this.#prepareSystem(call, request);
    this.#system.output = output;
    let instance = kept;
    let memory = kept?.memory;
    try {
      if (kept) this.#reset?.reset(kept);
      else memory = this.#memories.take();
      this.#system.memory = memory;
      instance ??= this.#instantiate(memory);
      if (!kept || this.#reset) this.#initialize(instance);
      const result = this.#enter(instance, call.params, request !== undefined);
      if (this.#options.stateful) this.#kept = instance;
      return { ok: true, result, output: "" };
    } catch (thrown) {
      const { maxBytes } = this.#memories;
      const failure = describeFailure(thrown, { bytes: memory?.buffer.byteLength ?? 0, maxBytes });
      return { ok: false, failure, output: "" };
    } finally {
      if (instance && this.#reset?.canReset(instance)) this.#kept = instance;
      if (!this.#kept) {
        this.#memories.giveBack(memory);
        this.#system.memory = undefined;
      }
      this.#system.forget();
    }
  }

  /** @returns undefined if the call is no raw HTTP request, or if the module receives requests as JSON */
  #requestIn(params: string): CgiRequest | undefined {
    const { http, functionName } = this.#options;
    if (http === "event") return undefined;
    const event: unknown = JSON.parse(params);
    return isHttpEvent(event) ? cgiRequest(event, functionName) : undefined;
  }

  #prepareSystem({ id, params, timeoutMs }: RawCall, request: CgiRequest | undefined): void {
    const deadline = Math.round(this.#options.now() + timeoutMs);
    const command = this.#entry.kind === "command";
    const args = [this.#options.functionName];
    const argument = command && !request && params.length <= maxArgument ? ascii(params) : "";
    if (argument !== "" && argument.length <= maxArgument) args.push(argument);
    const env = [
      ...this.#env,
      `SERVERLEDGE_REQUEST_ID=${id}`,
      `SERVERLEDGE_DEADLINE_MS=${deadline}`,
      // These follow the function's own variables, which no header may replace.
      ...request?.env ?? [],
    ];
    this.#system.reset(args, env, request?.stdin ?? this.#encode(command ? params : ""));
  }

  /** @returns bytes that are valid until the next call */
  #encode(text: string): Uint8Array<ArrayBuffer> {
    if (text.length > shortText) return encoder.encode(text);
    return this.#short.subarray(0, encoder.encodeInto(text, this.#short).written);
  }

  #instantiate(memory: WebAssembly.Memory | undefined): WasmInstance {
    const { exports } = new WebAssembly.Instance(this.#module, {
      [wasiModule]: this.#system.imports,
      ...MemorySource.imports(memory),
    });
    const instance = { exports, memory };
    this.#reset?.observe(instance);
    return instance;
  }

  #initialize({ exports }: WasmInstance): void {
    if (this.#entry.kind !== "command") (exports._initialize as Export | undefined)?.();
  }

  /** @returns the JSON of the result */
  #enter({ exports, memory }: WasmInstance, params: string, isRequest: boolean): string {
    const entry = this.#entry;
    if (entry.kind === "command") {
      runToEnd(exports._start as Export);
      const { bytes } = this.#system.result;
      if (!isRequest) return bytesToJson(bytes);
      return JSON.stringify(this.#options.http === "cgi" ? cgiAnswer(bytes) : plainAnswer(bytes));
    }
    const handler = exports[entry.name] as Export;
    if (entry.kind === "numbers") {
      return numbersToJson(handler(...toNumbers(params, entry.signature)));
    }
    return callWithJson(
      handler as (pointer: number, length: number) => bigint,
      exports as unknown as JsonExports,
      memory!,
      this.#encode(params),
    );
  }
}

/** Runs a command. It succeeds if it returns or exits with status 0. */
function runToEnd(start: Export): void {
  try {
    start();
  } catch (thrown) {
    if (exitStatusOf(thrown) !== 0) throw thrown;
  }
}

/** Escapes the non-ASCII characters of JSON. */
function ascii(text: string): string {
  return text.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

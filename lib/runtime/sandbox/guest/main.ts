/**
 * Main program of a sandbox, in which one instance of a function runs. It connects to its node, receives its
 * function, revokes all permissions, loads the function and runs calls.
 *
 * @module
 */

import { CallPipe } from "./call_pipe.ts";
import { type CallMessage, Calls, type SendReply, tooLarge } from "./calls.ts";
import type { SandboxExecutor } from "../../kinds/kinds.ts";
import { paramsKey } from "../../wire/messages.ts";
import type { SandboxSpec } from "../spec.ts";
import { loadModule } from "./deno_loader.ts";
import { harden, hardenLanguage, makeGlobals } from "./confinement/harden.ts";
import { type InvokedMessage, Invoker } from "./invoker.ts";
import { IdleTidy } from "./idle_tidy.ts";
import type { Answerer, GuestFunction, Loader } from "./loader.ts";
import { type CallOutput, type CallStorage, Output } from "./output.ts";
import { OutputPipe } from "./output_pipe.ts";
import type { FetchResponse } from "../fetch_messages.ts";
import type { Network } from "./confinement/network.ts";
import { giveUpAllButRead, giveUpPermissions } from "./confinement/permissions.ts";
import { describe, type Failure } from "./results.ts";
import { Wire } from "./wire.ts";

/** Runs calls of the loaded function. */
interface Runner extends Pick<Calls, "cancel" | "taken" | "blame" | "busy"> {
  /** Runs a call. The frame is its text. */
  run(call: CallMessage, frame: string): void;
}

/** Loaders by executor. Each module is imported only when a function needs it. */
const loaders: Readonly<Record<SandboxExecutor, () => Promise<Loader>>> = {
  deno: () => Promise.resolve(loadModule),
  wasm: async () => (await import("./wasm/loader.ts")).loadWasm,
};

/** Runs this process as a sandbox. Returns when the node closes the connection. */
export async function runSandbox(): Promise<void> {
  const exit = Deno.exit;
  const wire = await connectToNode(() => exit(0));
  // `gc` is absent if the program runs from sources.
  const { gc = () => {} } = globalThis as { gc?: (how?: object) => void };
  const { memoryUsage, unrefTimer } = Deno;
  const openPipe = CallPipe.open(wire);
  const { setTimeout, performance } = globalThis;
  // Work that is the same for every function is done before one arrives.
  const strays: StrayTakers = {};
  hardenLanguage(strayTaker(strays));
  const storage = await callStorage();
  const outputPipe = openOutputPipe(() => exit(0));
  const sendOutput = (id: string, text: string) => outputPipe.send({ log: id, text });
  const output = new Output({ send: sendOutput, log: logger() }, storage);
  const globals = makeGlobals(output);
  giveUpAllButRead();
  rehearse(output);
  catchStrays(strays);
  memoryUsage();
  const message = await wire.receive();
  if (!message) return;
  const spec = message.load as SandboxSpec;
  Object.assign(globals.env, spec.env);
  const describeError = (thrown: unknown) => describe(thrown, (stack) => mapStack(stack, spec));
  const reply = { id: message.id, output: "" };
  const pipe = spec.pipe ? openPipe : undefined;
  const network = await networkFor(spec, wire);
  let loaded: GuestFunction | undefined;
  const calls: RunningCalls = {};
  // The code may fetch while it is loaded.
  const invoker = new Invoker((text) => wire.sendText(text));
  const accept = accepting(calls, invoker, network);
  const running = wire.run(accept);
  try {
    const loader = await loaders[spec.executor]();
    const activate = await loader(spec, () => gc());
    giveUpPermissions();
    harden(globals, network?.fetch);
    loaded = await activate();
  } catch (error) {
    wire.send({ ...reply, ok: false, error: describeError(error) });
    return await running;
  }
  const answer: SendReply = (reply, isStreamed) => {
    const by = isStreamed ? wire : outputPipe;
    if (pipe) pipe.reply(reply, by);
    else by.send(reply);
  };
  strays.log = (thrown) => {
    const { type, message, traceback } = describeError(thrown);
    output.write(`Uncaught ${traceback || `${type}: ${message}`}\n`);
  };
  const send = (part: object) => wire.send(part);
  const toCalls = { spec, invoker, output, send, reply: answer, describe: describeError };
  const runner = calls.run = "handler" in loaded
    ? new Calls({ ...toCalls, handler: loaded.handler })
    : answering(loaded.answer, output, answer);
  strays.blame = (thrown) => runner.blame(thrown);
  calls.tidy = new IdleTidy({
    heapBytes: () => memoryUsage().heapTotal,
    // An ordinary collection does not return pages to the system.
    collect: () => gc({ type: "major", execution: "sync", flavor: "last-resort" }),
    busy: () => runner.busy,
    // An unreferenced timer does not keep the sandbox from waiting for calls on the pipe.
    after: (ms, callback) => unrefTimer(setTimeout(callback, ms)),
    now: () => performance.now(),
  });
  void pipe?.run(accept);
  answer({ ...reply, ok: true, result: "null" });
  await running;
}

async function connectToNode(ended: () => void): Promise<Wire> {
  const path = Deno.env.get("SERVERLEDGE_SOCKET") ?? "";
  const token = Deno.env.get("SERVERLEDGE_TOKEN") ?? "";
  const wire = new Wire(await Deno.connect({ transport: "unix", path }), ended);
  wire.send({ token });
  return wire;
}

/** Receivers of calls. They are set when the function is loaded. */
interface RunningCalls {
  run?: Runner;
  tidy?: IdleTidy;
}

/** Creates the handler of messages that the node sends after the function. */
function accepting(
  calls: RunningCalls,
  invoker: Invoker,
  network: Network | undefined,
): (message: Record<string, unknown>, frame: string) => void {
  return (message, frame) => {
    if (typeof message.cancel === "string") calls.run?.cancel(message.cancel);
    else if (typeof message.taken === "string") {
      calls.run?.taken(message.taken, message.cost as number);
    } else if (typeof message.fetched === "number") network?.accept(message as FetchResponse);
    else if (typeof message.invoked === "number") {
      invoker.accept(message as unknown as InvokedMessage);
    } else {
      calls.run?.run(message as unknown as CallMessage, frame);
      calls.tidy?.worked();
    }
  };
}

async function networkFor(spec: SandboxSpec, wire: Wire): Promise<Network | undefined> {
  if (spec.network === "none") return undefined;
  const { Network } = await import("./confinement/network.ts");
  return new Network((message) => wire.send(message));
}

/**
 * Creates the runner of a function that creates its own replies. The runner cannot receive messages while a
 * call runs.
 */
function answering(answer: Answerer, output: Output, send: SendReply): Runner {
  return {
    run: ({ id, timeoutMs }, frame) => {
      // The original text keeps all digits of numbers.
      const params = frame.slice(frame.indexOf(paramsKey) + paramsKey.length, -1);
      const written = output.open(id);
      const reply = answer({ id, params, timeoutMs }, written);
      written.flush();
      const refuse = (error: Failure) => send({ id, ok: false, error, output: "" });
      if (!reply.ok) return refuse(reply.failure);
      try {
        send({ id, ...reply });
      } catch {
        refuse({ type: "ResultTooLarge", message: tooLarge, traceback: "" });
      }
    },
    cancel: () => {},
    taken: () => {},
    busy: false,
    blame: () => false,
  };
}

/**
 * Creates the storage that attributes output to calls. Functions with one call at a time need it, too: code
 * that outlives its call may write while the next call runs.
 */
async function callStorage(): Promise<CallStorage> {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  return new AsyncLocalStorage<CallOutput>();
}

/** Opens this process's standard output as the output pipe. */
function openOutputPipe(lost: () => void): OutputPipe {
  const { stdout } = Deno;
  return new OutputPipe((bytes) => {
    try {
      return stdout.writeSync(bytes);
    } catch {
      // The node has closed the pipe.
      lost();
      return bytes.length;
    }
  });
}

/** Creates a writer to the instance's log, which blocks while the node reads it slowly. */
function logger(): (text: string) => void {
  const encoder = new TextEncoder();
  const { stderr } = Deno;
  return (text) => {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.length;) at += stderr.writeSync(bytes.subarray(at));
  };
}

/** Runs an empty call to compile the code that runs calls in advance. */
function rehearse(output: Output): void {
  const calls = new Calls({
    spec: { name: "", memoryMib: 0, area: "", node: "" },
    handler: () => null,
    invoker: new Invoker(() => {}),
    output,
    send: () => {},
    reply: (reply) => void JSON.stringify(reply),
    describe: (thrown) => describe(thrown, (stack) => stack),
  });
  calls.run({ id: "", params: null, timeoutMs: 0 });
}

/** Handlers of uncaught errors. They are set when the function is loaded. */
interface StrayTakers {
  blame?: (thrown: unknown) => boolean;
  log?: (thrown: unknown) => void;
}

/**
 * Creates the handler of uncaught errors. An uncaught error fails the call that caused it; otherwise it would
 * end the process.
 *
 * @returns a handler, which returns false if no function is loaded and the error should end the process
 */
function strayTaker(takers: StrayTakers): (thrown: unknown) => boolean {
  return (thrown) => {
    if (!takers.blame) return false;
    if (!takers.blame(thrown)) takers.log?.(thrown);
    return true;
  };
}

function catchStrays(takers: StrayTakers): void {
  const taken = strayTaker(takers);
  const take = (event: Event, thrown: unknown) => {
    if (!taken(thrown)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  globalThis.addEventListener("unhandledrejection", (event) => take(event, event.reason));
  globalThis.addEventListener("error", (event) => take(event, event.error));
}

/**
 * Maps positions of a stack to the user's files: `file:///prepared/app/a.ts.js:3:5` becomes `/app/a.ts:3:5`.
 * Removes the sandbox's own frames.
 */
function mapStack(stack: string, spec: SandboxSpec): string {
  const prefix = `file://${spec.folder.split("/").map(encodeURIComponent).join("/")}`;
  const ours = new URL(".", import.meta.url).href;
  const lines = stack.split("\n").filter((line) => !line.includes(ours));
  return lines.join("\n").replaceAll(prefix, "")
    .replace(/\/(?:app|cjs)(\/[^\s()]*?)\.js(?=:\d)/g, "/app$1");
}

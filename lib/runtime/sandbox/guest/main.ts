/**
 * Main program of a sandbox, in which one instance of a function runs. It connects to its node, waits
 * for its function, gives up all permissions, and then loads the function and runs calls.
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
import { IdleTidy } from "./idle_tidy.ts";
import type { Answerer, GuestFunction, Loader } from "./loader.ts";
import { type CallOutput, type CallStorage, Output } from "./output.ts";
import { OutputPipe } from "./output_pipe.ts";
import type { FetchResponse } from "../fetch_messages.ts";
import type { Network } from "./confinement/network.ts";
import { giveUpAllButRead, giveUpPermissions } from "./confinement/permissions.ts";
import { describe, type Failure } from "./results.ts";
import { Wire } from "./wire.ts";

/** What runs calls. */
interface Runner extends Pick<Calls, "cancel" | "taken" | "blame" | "busy"> {
  /** Runs a call, of which the frame has the text. */
  run(call: CallMessage, frame: string): void;
}

/** The loaders; each is loaded only where it is needed. */
const loaders: Readonly<Record<SandboxExecutor, () => Promise<Loader>>> = {
  deno: () => Promise.resolve(loadModule),
  wasm: async () => (await import("./wasm/loader.ts")).loadWasm,
};

/** Runs this process as a sandbox; returns when the node closes the connection. */
export async function runSandbox(): Promise<void> {
  const exit = Deno.exit;
  const wire = await connectToNode(() => exit(0));
  // Absent where the program runs from sources.
  const { gc = () => {} } = globalThis as { gc?: (how?: object) => void };
  const { memoryUsage, unrefTimer } = Deno;
  const openPipe = CallPipe.open(wire);
  const { setTimeout, performance } = globalThis;
  // In advance: what is the same for every function.
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
  // While the code is loaded it may fetch already.
  const accept = accepting(calls, network);
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
  const toCalls = { spec, output, send, reply: answer, describe: describeError };
  const runner = calls.run = "handler" in loaded
    ? new Calls({ ...toCalls, handler: loaded.handler })
    : answering(loaded.answer, output, answer);
  strays.blame = (thrown) => runner.blame(thrown);
  calls.tidy = new IdleTidy({
    heapBytes: () => memoryUsage().heapTotal,
    // An ordinary collection keeps the pages.
    collect: () => gc({ type: "major", execution: "sync", flavor: "last-resort" }),
    busy: () => runner.busy,
    // It is no reason to wait for a call in the event loop.
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

/** What takes calls, once the function is loaded. */
interface RunningCalls {
  run?: Runner;
  tidy?: IdleTidy;
}

/** Takes what the node sends after the function. */
function accepting(
  calls: RunningCalls,
  network: Network | undefined,
): (message: Record<string, unknown>, frame: string) => void {
  return (message, frame) => {
    if (typeof message.cancel === "string") calls.run?.cancel(message.cancel);
    else if (typeof message.taken === "string") {
      calls.run?.taken(message.taken, message.cost as number);
    } else if (typeof message.fetched === "number") network?.accept(message as FetchResponse);
    else {
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

/** Creates the runner of a function that replies by itself: it cannot receive messages while it runs. */
function answering(answer: Answerer, output: Output, send: SendReply): Runner {
  return {
    run: ({ id, timeoutMs }, frame) => {
      // As they were sent: numbers with all their digits.
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

/** Needed with one call at a time, too: what a call has left behind may write while the next one runs. */
async function callStorage(): Promise<CallStorage> {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  return new AsyncLocalStorage<CallOutput>();
}

/** Opens this process's standard output as a pipe. */
function openOutputPipe(lost: () => void): OutputPipe {
  const { stdout } = Deno;
  return new OutputPipe((bytes) => {
    try {
      return stdout.writeSync(bytes);
    } catch {
      // The node is gone.
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

/** Runs an empty call, so that the code that runs calls is compiled in advance. */
function rehearse(output: Output): void {
  const calls = new Calls({
    spec: { name: "", memoryMib: 0, area: "", node: "" },
    handler: () => null,
    output,
    send: () => {},
    reply: (reply) => void JSON.stringify(reply),
    describe: (thrown) => describe(thrown, (stack) => stack),
  });
  calls.run({ id: "", params: null, timeoutMs: 0 });
}

/** Who takes what nobody catches; nobody before there is a function, which there is nothing of then. */
interface StrayTakers {
  blame?: (thrown: unknown) => boolean;
  log?: (thrown: unknown) => void;
}

/**
 * What nobody catches would end the process: it fails the call whose it is instead.
 *
 * @returns gives false where there is no function yet, and it is to end the process
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

/** `file:///prepared/app/a.ts.js:3:5` is `/app/a.ts:3:5`; what is not the function's is left out. */
function mapStack(stack: string, spec: SandboxSpec): string {
  const prefix = `file://${spec.folder.split("/").map(encodeURIComponent).join("/")}`;
  const ours = new URL(".", import.meta.url).href;
  const lines = stack.split("\n").filter((line) => !line.includes(ours));
  return lines.join("\n").replaceAll(prefix, "")
    .replace(/\/(?:app|cjs)(\/[^\s()]*?)\.js(?=:\d)/g, "/app$1");
}

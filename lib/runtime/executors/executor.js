/**
 * The program that runs in containers of Node.js functions, Node.js 16 or newer.
 *
 * It connects to the node's unix socket, says hello, loads the handler and answers calls. Frames
 * are a 4-byte big-endian length and JSON in UTF-8 (lib/runtime/frames.ts).
 *
 * With the argument `generic` it is started ahead, for no function yet: it loads what functions use
 * most, says hello, and learns its function from the first frame.
 */
"use strict";

const net = require("net");

const maxFrame = 64 * 1024 * 1024;
const maxOutput = 1024 * 1024;
const outputCut = "\n[output cut here: it is longer than 1 MiB]\n";
const codeFolder = "/app";

const environment = process.env;
const token = environment.SERVERLEDGE_TOKEN;
const socketPath = environment.SERVERLEDGE_SOCKET;
delete environment.SERVERLEDGE_TOKEN;
delete environment.SERVERLEDGE_SOCKET;
const generic = process.argv.splice(2).includes("generic");

// What every call is told; reading the environment anew each time would cost microseconds.
let functionName;
let memoryLimitMib;
let area;
let node;

/** What one call has written, or the load. */
class Sink {
  text = "";
  full = false;
  /** True if it goes to the container's log, too. */
  logged = false;

  write(text) {
    if (this.full) return;
    this.text += text;
    if (this.text.length > maxOutput) {
      this.text = this.text.slice(0, maxOutput) + outputCut;
      this.full = true;
    }
  }

  /** What is still written goes to the log only. */
  close() {
    this.text = "";
    this.full = this.logged = true;
  }
}

/** What a handler gets as its second argument. */
class Context {
  #controller;
  #cancelled = false;

  constructor(call) {
    this.functionName = functionName;
    this.requestId = call.id;
    this.deadlineMs = Date.now() + call.timeoutMs;
    this.memoryLimitMib = memoryLimitMib;
    this.area = area;
    this.node = node;
  }

  /** Time until the invocation is given up, ms. */
  remainingMs() {
    return Math.max(0, this.deadlineMs - Date.now());
  }

  /** Aborted when the deadline passes or the caller leaves; made only when asked for. */
  get signal() {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  static cancel(context) {
    context.#cancelled = true;
    if (context.#controller) context.#controller.abort();
  }
}

// Captured output. With one call at a time the current sink is a plain variable; tracking it
// across async operations costs, so that is done only where calls overlap.

let currentSink;
let storage;

function capture(stream) {
  const write = stream.write;
  stream.write = function (chunk, encoding, callback) {
    const sink = storage ? storage.getStore() : currentSink;
    if (sink) {
      sink.write(
        typeof chunk === "string"
          ? chunk
          : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString(),
      );
    }
    if (!sink || sink.logged) return write.apply(stream, arguments);
    const done = typeof encoding === "function" ? encoding : callback;
    if (typeof done === "function") process.nextTick(done);
    return true;
  };
}

// The handler.

function isMissing(error, path) {
  return error && error.code === "MODULE_NOT_FOUND" && String(error.message).includes(`'${path}'`);
}

async function loadModule(path) {
  try {
    return require(path);
  } catch (error) {
    if (error.code === "ERR_REQUIRE_ESM" || error.code === "ERR_REQUIRE_ASYNC_MODULE") {
      return import(require("url").pathToFileURL(require.resolve(path)).href);
    }
    if (!isMissing(error, path)) throw error;
  }
  return undefined;
}

async function loadFile(path) {
  const fs = require("fs");
  for (const extension of ["", ".js", ".cjs", ".mjs"]) {
    const file = path + extension;
    if (fs.existsSync(file)) {
      if (fs.statSync(file).isFile() || extension === "") return loadModule(file);
    }
  }
  return undefined;
}

async function loadHandler(name) {
  if (!name) throw new Error("The handler must be the name of a file of the function's code");
  const path = require("path").join(codeFolder, name);
  let loaded = await loadFile(path);
  let property = "handler";
  const dot = name.lastIndexOf(".");
  if (loaded === undefined && dot > 0) {
    loaded = await loadFile(require("path").join(codeFolder, name.slice(0, dot)));
    property = name.slice(dot + 1);
  }
  if (loaded === undefined) {
    throw new Error(`The function's code has no file ${name} or ${name}.js`);
  }
  for (
    const found of [
      loaded,
      loaded.default,
      loaded[property],
      loaded.default && loaded.default[property],
    ]
  ) {
    if (typeof found === "function") return found;
  }
  throw new TypeError(`${name} exports no function: set module.exports to it`);
}

// Results and failures.

/** Never throws: of what was thrown, every getter may throw, and a proxy whatever is asked of it. */
function describe(error) {
  try {
    if (error instanceof Error || (error && typeof error === "object" && "message" in error)) {
      const type = (error.constructor && error.constructor.name) || error.name || "Error";
      return {
        type: String(error.name || type),
        message: String(error.message),
        traceback: String(error.stack || ""),
      };
    }
    return { type: typeof error, message: text(error), traceback: "" };
  } catch {
    return { type: "Error", message: "something was thrown that cannot be shown", traceback: "" };
  }
}

function text(value) {
  try {
    return typeof value === "string" ? value : (JSON.stringify(value) || String(value));
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function encode(value) {
  if (value instanceof Uint8Array) value = { statusCode: 200, body: value };
  if (value && value.body instanceof Uint8Array) {
    const { buffer, byteOffset, byteLength } = value.body;
    const body = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    value = { ...value, body, isBase64Encoded: true };
  }
  const json = JSON.stringify(value);
  return json === undefined ? "null" : json;
}

// The channel.

const running = new Map();
let handler;
let loadFailure;
const loadSink = new Sink();
// At once: whatever ends the process meanwhile, the log tells what was written.
loadSink.logged = true;

// Reads always go to this buffer: without it each is allocated and queued in a stream.
const onread = { buffer: Buffer.allocUnsafe(65536), callback: receive };
const socket = net.connect({ path: socketPath, onread }, async () => {
  if (generic) await loadCommon();
  send({ token });
  if (!generic) begin();
});
socket.on("error", () => process.exit(0));
socket.on("close", () => process.exit(0));
const waiting = [];

/** The function is known: loads it. */
function begin() {
  functionName = environment.SERVERLEDGE_FUNCTION || "";
  memoryLimitMib = Number(environment.SERVERLEDGE_MEMORY_MIB || "0");
  area = environment.SERVERLEDGE_AREA || "";
  node = environment.SERVERLEDGE_NODE || "";
  if (Number(environment.SERVERLEDGE_CONCURRENCY || "1") > 1) {
    const { AsyncLocalStorage } = require("async_hooks");
    storage = new AsyncLocalStorage();
  }
  capture(process.stdout);
  capture(process.stderr);
  const name = environment.SERVERLEDGE_HANDLER || "";
  currentSink = loadSink;
  const loading = storage ? storage.run(loadSink, loadHandler, name) : loadHandler(name);
  loading.then((loaded) => {
    handler = loaded;
    loadSink.close();
  }, (error) => {
    loadFailure = describe(error);
  }).then(() => {
    currentSink = undefined;
    waiting.splice(0).forEach(run);
  });
}

/** What a generic executor loads ahead: modules that functions use most, and the module loader. */
async function loadCommon() {
  for (const name of ["fs", "path", "url", "util", "crypto", "stream", "async_hooks", "zlib"]) {
    require(name);
  }
  await import("fs/promises");
}

/** Takes on what other executors are started with. */
function become({ id, load }) {
  Object.assign(environment, load.env);
  send({ id, ok: true, result: "null", output: "" });
  begin();
}

function send(message) {
  const json = JSON.stringify(message);
  // A character takes at most 3 bytes, so short ones need not be measured.
  let length = json.length * 3;
  if (length > 65536) length = Buffer.byteLength(json);
  if (length > maxFrame) return false;
  const frame = Buffer.allocUnsafe(4 + length);
  const written = frame.write(json, 4);
  frame.writeUInt32BE(written, 0);
  socket.write(frame.subarray(0, 4 + written));
  return true;
}

/** What has arrived of a frame that is not complete yet. */
let chunks = [];
let received = 0;

function receive(count, buffer) {
  let data = buffer.subarray(0, count);
  if (received > 0) {
    chunks.push(Buffer.from(data));
    received += count;
    if (received < 4 || received < 4 + wanted()) return true;
    data = Buffer.concat(chunks, received);
  }
  while (data.length >= 4) {
    const end = 4 + data.readUInt32BE(0);
    if (data.length < end) break;
    accept(JSON.parse(data.toString("utf8", 4, end)));
    data = data.subarray(end);
  }
  chunks = data.length > 0 ? [Buffer.from(data)] : [];
  received = data.length;
  return true;
}

function wanted() {
  if (chunks[0].length < 4) chunks = [Buffer.concat(chunks, received)];
  return chunks[0].readUInt32BE(0);
}

function accept(message) {
  if (message.load !== undefined) return become(message);
  if (message.cancel !== undefined) {
    const context = running.get(message.cancel);
    if (context) Context.cancel(context);
    for (const call of waiting) if (call.id === message.cancel) call.cancelled = true;
    return;
  }
  if (handler || loadFailure) run(message);
  else waiting.push(message);
}

function run(call) {
  if (loadFailure) return fail(call, loadSink, loadFailure);
  const sink = new Sink();
  if (storage) storage.run(sink, execute, call, sink);
  else execute(call, sink);
}

function execute(call, sink) {
  const context = new Context(call);
  running.set(call.id, context);
  if (call.cancelled) Context.cancel(context);
  currentSink = sink;
  try {
    const result = handler(call.params, context);
    if (result && typeof result.then === "function") {
      result.then((value) => succeed(call, sink, value), (error) => finish(call, sink, error));
    } else {
      succeed(call, sink, result);
    }
  } catch (error) {
    finish(call, sink, error);
  }
}

function succeed(call, sink, value) {
  let result;
  try {
    result = encode(value);
  } catch (error) {
    return finish(call, sink, error);
  }
  running.delete(call.id);
  currentSink = undefined;
  const reply = { id: call.id, ok: true, result, output: call.output ? sink.text : "" };
  if (!send(reply)) {
    fail(call, sink, {
      type: "ResultTooLarge",
      message: "The result is longer than 64 MiB of JSON",
      traceback: "",
    });
  }
}

function finish(call, sink, error) {
  running.delete(call.id);
  currentSink = undefined;
  fail(call, sink, describe(error));
}

function fail(call, sink, { type, message, traceback }) {
  const error = {
    type: type.slice(0, 1000),
    message: message.slice(0, maxOutput),
    traceback: traceback.slice(0, maxOutput),
  };
  send({ id: call.id, ok: false, error, output: sink.text });
}

/**
 * The program that runs in containers of Node.js functions, Node.js 16 or newer.
 *
 * It connects to the node's unix socket, says hello, loads the handler and answers calls. Frames
 * are a 4-byte big-endian length and JSON in UTF-8 (lib/runtime/wire/frames.ts).
 *
 * With the argument `generic` it is started ahead, for no function yet: it loads what functions use
 * most, says hello, and learns its function from the first frame.
 */
"use strict";

const { AsyncLocalStorage } = require("async_hooks");
const fs = require("fs");
const net = require("net");
const { StringDecoder } = require("string_decoder");

const maxFrame = 64 * 1024 * 1024;
const maxOutput = 1024 * 1024;
/** Characters of output in a frame; each takes at most 3 bytes. */
const maxText = 16 * 1024;
const outputCut = "\n[output cut here: it is longer than 1,048,576 characters]\n";
const codeFolder = "/app";

// The originals: a function's writes are captured, and it may replace them itself.
const { readSync, writeSync } = fs;

const environment = process.env;
const token = environment.SERVERLEDGE_TOKEN;
const socketPath = environment.SERVERLEDGE_SOCKET;
delete environment.SERVERLEDGE_TOKEN;
delete environment.SERVERLEDGE_SOCKET;
const generic = process.argv.splice(2).includes("generic");

// What every call gets; reading the environment each time would cost microseconds.
let functionName;
let memoryLimitMib;
let area;
let node;

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

  /** Invokes another function; resolves with its result. */
  invoke(name, params = null) {
    return invoke(this.requestId, name, params);
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

// Output goes to the node as it is written: whatever ends the process, what was written is kept.

/** What one call writes, or the load, or whoever writes outside of both. */
class Output {
  /** What waits for the rest of its last character, by descriptor. */
  #decoders = [];
  #prefix;

  constructor(id, room) {
    this.id = id;
    this.room = room;
  }

  /** True once a call has its reply: what is still written is in the function's log only. */
  ended = false;

  write(text) {
    if (text === "" || this.room < 0) return;
    if (text.length > this.room) {
      text = text.slice(0, this.room) + outputCut;
      this.room = -1;
    } else {
      this.room -= text.length;
    }
    const { prefix } = this;
    for (let at = 0; at < text.length; at += maxText) {
      sendText(`${prefix}${JSON.stringify(text.slice(at, at + maxText))}}`);
    }
  }

  /** How its frames begin. */
  get prefix() {
    return this.#prefix ||= `{"log":${JSON.stringify(this.id)},"text":`;
  }

  /** Takes bytes of a descriptor; a character may come in pieces. */
  writeBytes(descriptor, bytes) {
    const decoder = this.#decoders[descriptor] ||
      (this.#decoders[descriptor] = new StringDecoder());
    this.write(decoder.write(bytes));
  }

  /** Writes what is left of characters that did not come whole. */
  flush() {
    for (const decoder of this.#decoders) if (decoder) this.write(decoder.end());
    this.#decoders.length = 0;
  }
}

/** What is written while the function is loaded; a load that fails tells it to every call. */
class LoadOutput extends Output {
  text = "";

  write(text) {
    if (this.room >= 0) this.text += text.slice(0, this.room);
    super.write(text);
  }
}

/** A call under way. */
class Task extends Output {
  context;

  constructor(call) {
    super(call.id, maxOutput);
    /** Pipes of child processes that were to inherit our descriptors. */
    this.pipes = [];
  }
}

/** The call in whose asynchronous context code runs. */
const storage = new AsyncLocalStorage();
/** The call that runs, where calls run one at a time: code outside of any call works for it. */
let alone;
let isSerial = true;
const loadOutput = new LoadOutput(null, maxOutput);
const outside = new Output(null, Infinity);

/** Where output goes now. What outlives its call must not show in another's output. */
function current() {
  const output = storage.getStore() || alone || (isLoading() ? loadOutput : outside);
  return output.ended ? outside : output;
}

function capture(stream, descriptor) {
  stream.write = function (chunk, encoding, callback) {
    const done = typeof encoding === "function" ? encoding : callback;
    const output = current();
    if (typeof chunk === "string" && isUtf8(encoding)) output.write(chunk);
    else output.writeBytes(descriptor, bytesOf(chunk, encoding));
    if (typeof done === "function") process.nextTick(done);
    return true;
  };
}

function isUtf8(encoding) {
  return typeof encoding !== "string" || /^utf-?8$/i.test(encoding);
}

function bytesOf(chunk, encoding) {
  if (typeof chunk === "string") {
    return Buffer.from(chunk, typeof encoding === "string" ? encoding : "utf8");
  }
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** Captures what is written to descriptors 1 and 2 by their number, as loggers do. */
function captureDescriptors() {
  const { write, writev, writevSync } = fs;
  const isOurs = (descriptor) => descriptor === 1 || descriptor === 2;
  const take = (descriptor, data, offset, length) => {
    let bytes;
    if (typeof data === "string") {
      bytes = bytesOf(data, length);
    } else {
      if (offset !== null && typeof offset === "object") ({ offset, length } = offset);
      const start = typeof offset === "number" ? offset : 0;
      const end = typeof length === "number" ? start + length : undefined;
      bytes = bytesOf(data).subarray(start, end);
    }
    current().writeBytes(descriptor, bytes);
    return bytes.length;
  };
  const isData = (data) => typeof data === "string" || ArrayBuffer.isView(data);
  const takeAll = (descriptor, all) => all.reduce((sum, data) => sum + take(descriptor, data), 0);
  const replace = (name, original, replacement) => {
    fs[name] = replacement;
    for (const symbol of Object.getOwnPropertySymbols(original)) {
      replacement[symbol] = original[symbol];
    }
  };
  replace("writeSync", writeSync, function (descriptor, data, offset, length) {
    if (!isOurs(descriptor) || !isData(data)) return writeSync.apply(fs, arguments);
    return take(descriptor, data, offset, length);
  });
  replace("write", write, function (descriptor, data, ...rest) {
    const done = rest.pop();
    if (!isOurs(descriptor) || !isData(data) || typeof done !== "function") {
      return write.apply(fs, arguments);
    }
    process.nextTick(done, null, take(descriptor, data, ...rest), data);
  });
  replace("writevSync", writevSync, function (descriptor, all) {
    return isOurs(descriptor) ? takeAll(descriptor, all) : writevSync.apply(fs, arguments);
  });
  replace("writev", writev, function (descriptor, all, ...rest) {
    const done = rest.pop();
    if (!isOurs(descriptor) || typeof done !== "function") return writev.apply(fs, arguments);
    process.nextTick(done, null, takeAll(descriptor, all), all);
  });
}

/** Which of a child's descriptors 1 and 2 would be ours, for the `stdio` it is started with. */
function inherited(stdio) {
  const all = typeof stdio === "string" ? [stdio, stdio, stdio] : Array.isArray(stdio) ? stdio : [];
  const isOurs = (one) =>
    one === "inherit" || one === 1 || one === 2 || one === process.stdout || one === process.stderr;
  return { all: [...all], indexes: [1, 2].filter((index) => isOurs(all[index])) };
}

/** Captures what child processes write that inherit descriptors 1 and 2. */
function captureChildren() {
  const children = require("child_process");
  const { spawn } = children.ChildProcess.prototype;
  children.ChildProcess.prototype.spawn = function (options) {
    const { all, indexes } = inherited(options && options.stdio);
    if (indexes.length === 0) return spawn.apply(this, arguments);
    for (const index of indexes) all[index] = "pipe";
    const status = spawn.call(this, { ...options, stdio: all });
    for (const index of indexes) forward(this, index);
    return status;
  };
  for (const name of ["spawnSync", "execFileSync", "execSync"]) {
    const original = children[name];
    children[name] = function (...args) {
      const at = args.findIndex((one, index) =>
        index > 0 && one !== null && typeof one === "object" && !Array.isArray(one)
      );
      const { all, indexes } = inherited(at > 0 ? args[at].stdio : undefined);
      const file = indexes.length > 0 ? temporaryFile() : undefined;
      if (file === undefined) return original.apply(this, args);
      for (const index of indexes) all[index] = file;
      args[at] = { ...args[at], stdio: all };
      const output = current();
      follower ||= new Follower();
      follower.begin(file, output);
      try {
        return original.apply(this, args);
      } finally {
        drain(file, (bytes) => output.writeBytes(1, bytes), follower.end(output));
        fs.closeSync(file);
      }
    };
  }
}

/** Made when the first child process is waited for. */
let follower;

/**
 * A thread that tells the node what a child process writes while this one waits for it: what ends the call,
 * and with it this process, comes too late for that.
 */
class Follower {
  /** What both threads see: see {@link followFiles}. */
  #shared = new Int32Array(new SharedArrayBuffer(16));
  #worker;

  constructor() {
    try {
      const { Worker } = require("worker_threads");
      this.#worker = new Worker(`(${followFiles})()`, {
        eval: true,
        env: {},
        execArgv: [],
        workerData: { shared: this.#shared, socket: descriptor },
        resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
      });
      this.#worker.on("error", () => {});
      this.#worker.unref();
    } catch {
      // Without it the node learns of the output when the child process has ended.
    }
  }

  /** A child process will write to a file, and this thread wait for it. */
  begin(file, output) {
    const turn = Atomics.add(this.#shared, 0, 1) + 1;
    this.#shared.fill(0, 2);
    Atomics.store(this.#shared, 1, 1);
    const room = Math.min(output.room, 4 * maxOutput);
    if (this.#worker) this.#worker.postMessage({ turn, file, room, prefix: output.prefix });
  }

  /** The child process has ended. Gives how much of the file the node has, bytes. */
  end(output) {
    while (Atomics.compareExchange(this.#shared, 1, 1, 0) !== 1) Atomics.wait(this.#shared, 1, 2);
    output.room -= this.#shared[3];
    return this.#shared[2];
  }
}

/**
 * What a {@link Follower}'s thread runs; it can use nothing of this file. Shared are the number of the
 * file's turn, whether it may be read (0: no, 1: yes, 2: it is being read), how many of its bytes the node
 * has, and how many characters these were.
 */
function followFiles() {
  const { readSync, writeSync } = require("fs");
  const { parentPort, workerData: { shared, socket } } = require("worker_threads");
  const stepMs = 20;
  const chunk = Buffer.allocUnsafe(16 * 1024);

  /** Where the last whole character ends. */
  const wholeEnd = (end) => {
    for (let back = 1; back <= Math.min(3, end); back++) {
      const byte = chunk[end - back];
      if (byte < 0x80) return end;
      if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? end - back : end;
    }
    return end;
  };
  const send = (json) => {
    const frame = Buffer.allocUnsafe(4 + Buffer.byteLength(json));
    frame.writeUInt32BE(frame.length - 4, 0);
    frame.write(json, 4);
    for (let at = 0; at < frame.length;) {
      try {
        at += writeSync(socket, frame, at);
      } catch (error) {
        if (error.code !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  };
  /** Tells the next piece; returns false if there is none. */
  const tell = ({ file, room, prefix }) => {
    const end = wholeEnd(readSync(file, chunk, 0, chunk.length, shared[2]));
    const text = chunk.toString("utf8", 0, end);
    if (text === "" || shared[3] + text.length > room) return false;
    send(`${prefix}${JSON.stringify(text)}}`);
    shared[2] += end;
    shared[3] += text.length;
    return true;
  };
  parentPort.on("message", (message) => {
    for (let goesOn = true; goesOn;) {
      if (Atomics.compareExchange(shared, 1, 1, 2) !== 1) return;
      let isSent = false;
      try {
        goesOn = shared[0] === message.turn;
        isSent = goesOn && tell(message);
      } finally {
        Atomics.store(shared, 1, 1);
        Atomics.notify(shared, 1);
      }
      if (goesOn && !isSent) Atomics.wait(shared, 1, 1, stepMs);
    }
  });
}

/** Makes what a child process writes to a pipe output of who started it. */
function forward(child, index) {
  const stream = child.stdio && child.stdio[index];
  if (!stream) return; // it could not be started
  const task = storage.getStore() || alone;
  const write = (bytes) => {
    const output = task && !task.ended ? task : outside;
    output.writeBytes(index, bytes);
  };
  stream.on("data", write);
  stream.on("error", () => {});
  if (task) task.pipes.push({ stream, write });
  // As it is for a child that inherits them.
  child.stdio[index] = null;
  if (index === 1) child.stdout = null;
  else child.stderr = null;
}

/** A file without a name, for a child process that is waited for; undefined if there is no room. */
function temporaryFile() {
  const path = `/tmp/.output-${process.pid}-${Date.now()}-${Math.random()}`;
  try {
    const file = fs.openSync(path, "ax+", 0o600);
    fs.unlinkSync(path);
    return file;
  } catch {
    return undefined;
  }
}

/** Reads what has come, without waiting for more. */
function drain(descriptor, write, position = null) {
  const chunk = Buffer.allocUnsafe(64 * 1024);
  for (let total = 0; total <= 4 * maxOutput;) {
    let count;
    try {
      count = readSync(descriptor, chunk, 0, chunk.length, position);
    } catch {
      return; // nothing now
    }
    if (count === 0) return;
    write(chunk.subarray(0, count));
    total += count;
    if (position !== null) position += count;
  }
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
  for (const extension of ["", ".js", ".cjs", ".mjs"]) {
    const file = path + extension;
    if (fs.existsSync(file)) {
      if (fs.statSync(file).isFile() || extension === "") return loadModule(file);
    }
  }
  return undefined;
}

/** `file`, `file.export` or `file.object.method`: the longest file that there is. */
async function loadHandler(name) {
  if (!name) throw new Error("The handler must be the name of a file of the function's code");
  const { join } = require("path");
  const properties = [];
  for (let file = name;;) {
    const loaded = await loadFile(join(codeFolder, file));
    if (loaded !== undefined) return findExport(name, loaded, properties);
    const dot = file.lastIndexOf(".");
    if (dot <= file.lastIndexOf("/") + 1) break;
    properties.unshift(file.slice(dot + 1));
    file = file.slice(0, dot);
  }
  const stem = name.split(".")[0];
  throw new Error(
    `The function's code has no file ${name} or ${name}.js` +
      (properties.length > 0 ? `, nor ${stem}.js for handler ${name}` : ""),
  );
}

function findExport(name, loaded, properties) {
  const owners = [loaded, loaded && loaded.default];
  if (properties.length === 0) {
    for (const owner of owners) {
      if (typeof owner === "function") return owner;
    }
    properties = ["handler"];
  }
  for (const owner of owners) {
    let [self, found] = [undefined, owner];
    for (const property of properties) {
      self = found;
      found = found === undefined || found === null ? undefined : found[property];
    }
    if (typeof found === "function") return self === loaded ? found : found.bind(self);
  }
  // A module that is the function is called whatever the handler's last part says.
  for (const owner of owners) if (typeof owner === "function") return owner;
  throw new TypeError(`${name} exports no function: set module.exports to it`);
}

// Functions that the function invokes.

/** Why there is no result of a function that was invoked; `code` is one of the node's error codes. */
class InvocationError extends Error {
  constructor({ code, message }) {
    super(message);
    this.name = "InvocationError";
    this.code = code;
  }
}

/** Requests without a response, by their number. */
const invoked = new Map();
let lastInvoked = 0;

function invoke(call, name, params) {
  return new Promise((resolve, reject) => {
    const number = ++lastInvoked;
    const head = JSON.stringify({ invoke: number, call, function: String(name) }).slice(0, -1);
    // JSON has no text for a function or undefined.
    if (!sendText(`${head},"params":${JSON.stringify(params) || "null"}}`)) {
      const message = "The parameters are longer than 64 MiB of JSON";
      return reject(new InvocationError({ code: "PAYLOAD_TOO_LARGE", message }));
    }
    invoked.set(number, { resolve, reject });
  });
}

function settleInvoked({ invoked: number, result, error }) {
  const waiting = invoked.get(number);
  invoked.delete(number);
  if (!waiting) return;
  if (error) return waiting.reject(new InvocationError(error));
  try {
    waiting.resolve(JSON.parse(result));
  } catch {
    // Custom images may respond with any text.
    const message = "The result of the function is not JSON";
    waiting.reject(new InvocationError({ code: "FUNCTION_ERROR", message }));
  }
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

const isLoading = () => handler === undefined && loadFailure === undefined;

if (!token) {
  // A function that starts process.argv[1], as child_process.fork and cluster do.
  console.error("Only the node starts the executor: fork a file of the function instead");
  process.exit(1);
}

// Reads always go to this buffer: without it each is allocated and queued in a stream.
const onread = { buffer: Buffer.allocUnsafe(65536), callback: receive };
const socket = net.connect({ path: socketPath, onread }, async () => {
  descriptor = socket._handle.fd;
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
  isSerial = Number(environment.SERVERLEDGE_CONCURRENCY || "1") === 1;
  capture(process.stdout, 1);
  capture(process.stderr, 2);
  captureDescriptors();
  captureChildren();
  // So that modules that import their names get the captured ones.
  require("module").syncBuiltinESMExports();
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    process.on(event, (error) => stray(event, error));
  }
  loadHandler(environment.SERVERLEDGE_HANDLER || "").then((loaded) => {
    // A turn later it is known whether the load left a rejection that nobody waits for.
    setImmediate(() => {
      if (isLoading()) loadedWith(loaded);
    });
  }, (error) => {
    if (isLoading()) loadedWith(undefined, describe(error));
  });
}

function loadedWith(loaded, failure) {
  loadOutput.flush();
  handler = loaded;
  loadFailure = failure;
  waiting.splice(0).forEach(run);
}

/**
 * What was thrown, or rejected, where nobody waits for it: the failure of the call that it belongs to,
 * else a line in the log. The process goes on, since others' calls run in it.
 */
function stray(event, error) {
  // A function that listens itself decides itself.
  if (process.listenerCount(event) > 1) return;
  if (event === "unhandledRejection" && process.listenerCount("uncaughtException") > 1) {
    return void process.emit("uncaughtException", error, event);
  }
  const output = current();
  if (output instanceof Task) return finish(output, error);
  const failure = describe(error);
  if (output === loadOutput) return loadedWith(undefined, failure);
  const what = event === "unhandledRejection" ? "Unhandled rejection" : "Uncaught exception";
  outside.write(`${what}: ${failure.traceback || `${failure.type}: ${failure.message}`}\n`);
}

/** What a generic executor loads ahead: modules that functions use most, and the module loader. */
async function loadCommon() {
  for (
    const name of ["path", "url", "util", "crypto", "stream", "zlib", "module", "child_process"]
  ) {
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

/** Short frames are made here: each is written before the next. */
const scratch = Buffer.allocUnsafe(4 + 64 * 1024);

/** Sends a frame; returns false, and sends nothing, if it is too long. */
function send(message) {
  return sendText(JSON.stringify(message));
}

function sendText(json) {
  // A character takes at most 3 bytes, so short ones need not be measured.
  let length = json.length * 3;
  let frame = scratch;
  if (length > 64 * 1024) {
    length = Buffer.byteLength(json);
    if (length > maxFrame) return false;
    frame = Buffer.allocUnsafe(4 + length);
  }
  const written = frame.write(json, 4);
  frame.writeUInt32BE(written, 0);
  writeAll(frame, 4 + written);
  return true;
}

/** The socket's. Written to directly, since a stream keeps what it cannot write at once for a later turn. */
let descriptor;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
let isGone = false;

function writeAll(data, end) {
  for (let at = 0; at < end && !isGone;) {
    try {
      at += writeSync(descriptor, data, at, end - at);
    } catch (error) {
      if (error.code !== "EAGAIN") {
        isGone = true;
        process.exit(0);
      }
      // The node reads what came before.
      Atomics.wait(sleeper, 0, 0, 1);
    }
  }
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
  if (message.invoked !== undefined) return settleInvoked(message);
  if (message.cancel !== undefined) {
    const task = running.get(message.cancel);
    if (task) Context.cancel(task.context);
    for (const call of waiting) if (call.id === message.cancel) call.cancelled = true;
    return;
  }
  if (handler || loadFailure) run(message);
  else waiting.push(message);
}

function run(call) {
  if (loadFailure) return fail(call.id, loadFailure, loadOutput.text);
  const task = new Task(call);
  running.set(call.id, task);
  if (isSerial) alone = task;
  storage.run(task, execute, call, task);
}

function execute(call, task) {
  const context = task.context = new Context(call);
  if (call.cancelled) Context.cancel(context);
  try {
    const result = handler(call.params, context);
    if (result && typeof result.then === "function") {
      result.then((value) => succeed(task, value), (error) => finish(task, error));
    } else {
      succeed(task, result);
    }
  } catch (error) {
    finish(task, error);
  }
}

/** Ends a call; returns false if it has ended before. */
function end(task) {
  if (task.ended) return false;
  for (const { stream, write } of task.pipes) {
    if (stream._handle) drain(stream._handle.fd, write);
  }
  task.flush();
  task.ended = true;
  running.delete(task.id);
  if (alone === task) alone = undefined;
  return true;
}

function succeed(task, value) {
  if (task.ended) return;
  let result;
  try {
    result = encode(value);
  } catch (error) {
    return finish(task, error);
  }
  if (!end(task)) return;
  if (!send({ id: task.id, ok: true, result, output: "" })) {
    fail(task.id, {
      type: "ResultTooLarge",
      message: "The result is longer than 64 MiB of JSON, the maximum of one reply; " +
        "the node's api.result.max may be smaller",
      traceback: "",
    });
  }
}

function finish(task, error) {
  if (task.ended) return;
  const failure = describe(error);
  if (end(task)) fail(task.id, failure);
}

function fail(id, { type, message, traceback }, output = "") {
  const error = {
    type: type.slice(0, 1000),
    message: message.slice(0, maxOutput),
    traceback: traceback.slice(0, maxOutput),
  };
  send({ id, ok: false, error, output });
}

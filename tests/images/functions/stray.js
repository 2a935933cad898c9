/** Node.js functions that throw where nobody waits, write by other ways, or leave something behind. */

const { EventEmitter } = require("events");
const fs = require("fs");
const children = require("child_process");

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const gate = new EventEmitter();

/** Waits until `exports.open` is called, and does something bad meanwhile if asked to. */
exports.reject = async ({ kind }) => {
  if (kind === "rejection") Promise.reject(new Error("floating"));
  if (kind === "timer") {
    setTimeout(() => {
      throw new TypeError("in a timer");
    }, 1);
  }
  if (kind === "listener") {
    const emitter = new EventEmitter();
    emitter.on("tick", () => {
      throw new RangeError("in a listener");
    });
    setImmediate(() => emitter.emit("tick"));
  }
  if (kind === "nothing") await new Promise((resolve) => gate.once("open", resolve));
  else await pause(10_000);
  return "ok";
};
exports.open = () => gate.emit("open");

exports.afterwards = () => {
  setTimeout(() => Promise.reject(new Error("after its reply")), 5);
  setTimeout(() => console.log("later"), 10);
  return "ok";
};
exports.wait = async () => {
  await pause(100);
  return "waited";
};

exports.listening = async () => {
  const seen = [];
  const listener = (error) => seen.push(error.message);
  process.on("unhandledRejection", listener);
  Promise.reject(new Error("mine"));
  await pause(5);
  process.off("unhandledRejection", listener);
  return seen;
};

exports.children = async () => {
  console.log("from Node.js");
  children.execFileSync("echo", ["from a child"], { stdio: "inherit" });
  fs.writeSync(2, "by its number\n");
  const child = children.spawn("sh", ["-c", "echo out; echo error >&2"], { stdio: "inherit" });
  await new Promise((resolve) => child.once("exit", resolve));
  children.execSync("echo from a shell; exit 0", { stdio: ["ignore", "inherit", "inherit"] });
  return [child.stdout, child.stderr];
};

/** Waits for a child process that writes and goes on. */
exports.waiting = ({ seconds }) => {
  console.log("from Node.js");
  const script = `printf 'gr\\303'; sleep 0.1; printf '\\274n\\n'; sleep ${seconds}; echo end`;
  children.spawnSync("sh", ["-c", script], { stdio: "inherit" });
  console.log("after it");
};

/** A child process that writes more than a call keeps. */
exports.much = () => {
  const script = "head -c 3000000 /dev/zero | tr '\\0' x";
  children.execSync(script, { stdio: ["ignore", "inherit", "inherit"] });
};

exports.pieces = async () => {
  const bytes = Buffer.from("größe 世界 🌍\n");
  for (const byte of bytes) {
    process.stdout.write(Buffer.from([byte]));
    await null;
  }
  process.stdout.write("c3bc\n".trim(), "hex");
  fs.writeSync(1, Buffer.from("--number--"), 2, 6);
  await new Promise((resolve) => fs.write(1, "\n", resolve));
};

exports.ending = async ({ how }) => {
  console.log("the last thing that it did");
  process.stdout.write("and no end of line");
  if (how === "exit") process.exit(3);
  if (how === "loop") { for (;;); }
  if (how === "kill") process.kill(process.pid, "SIGKILL");
  if (how === "flood") {
    for (let n = 0; n < 2000; n++) console.log(`${n} ${"x".repeat(400)}`);
    for (;;);
  }
  await new Promise(() => {});
};

exports.api = {
  v1: { greet: ({ name }) => `hello ${name}` },
  self() {
    return this === exports.api;
  },
};

exports.fork = async () => {
  const child = children.fork(process.argv[1], [], { stdio: "inherit" });
  return await new Promise((resolve) => child.once("exit", resolve));
};

exports.user = () => require("os").userInfo().username;

/** Any of these by name, for calls of one instance. */
exports.handler = (params) => exports[params.does](params);

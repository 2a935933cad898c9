/** Functions of the environment's contract suite, in JavaScript. */

const kept = [];
let calls = 0;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

exports.echo = (params) => params;

exports.fail = () => {
  console.log("before the failure");
  throw new TypeError("bad value");
};

exports.fail_later = async () => {
  console.error("before the failure");
  await pause(1);
  throw new RangeError("bad value");
};

exports.crash = () => process.exit(3);

exports.greedy = () => {
  for (;;) kept.push(Buffer.alloc(1 << 20, "x"));
};

exports.sleepy = async (_params, context) => {
  console.log("asleep");
  await new Promise((_resolve, reject) => {
    const timer = setTimeout(() => {}, 600_000);
    const stop = () => {
      clearTimeout(timer);
      console.log("cleaned up");
      reject(new Error("stopped"));
    };
    if (context.signal.aborted) stop();
    else context.signal.addEventListener("abort", stop);
  });
};

exports.spin = () => {
  for (;;);
};

exports.noisy = async ({ word }) => {
  for (let i = 0; i < 20; i++) {
    console.log(word);
    await pause(1);
  }
  return word;
};

exports.chatty = () => {
  for (let i = 0; i < 3; i++) process.stdout.write("x".repeat(1 << 20));
  throw new Error("too much said");
};

exports.large = ({ text }) => ({ length: text.length, text });
exports.sized = ({ size }) => "x".repeat(size);
exports.unserializable = () => ({ value: 1n });
exports.infinite = () => ({ value: Infinity });
exports.hostile = ({ kind }) => {
  const no = () => {
    throw thrown;
  };
  const thrown = {
    getter: Object.defineProperty({}, "message", { get: no }),
    stack: Object.defineProperty(new Error("bad value"), "stack", { get: no }),
    name: Object.assign(new Error("x"), { name: "n".repeat(80 << 20) }),
    text: Object.defineProperty({ toJSON: no }, Symbol.toStringTag, { get: no }),
    proxy: new Proxy({}, new Proxy({}, { get: () => no })),
  }[kind];
  throw thrown;
};
exports.nested = () => {
  let result = [];
  for (let i = 0; i < 200_000; i++) result = [result];
  return result;
};
exports.binary = () => Buffer.from([0, 255, 128]);
exports.http = async () => ({ statusCode: 201, body: new Uint8Array([0, 255]) });
exports.count = () => ++calls;
exports.nothing = () => {};

exports.facts = (_params, context) => ({
  function: context.functionName,
  request: context.requestId,
  deadline: context.deadlineMs - Date.now(),
  remaining: context.remainingMs(),
  memory: context.memoryLimitMib,
  area: context.area,
  node: context.node,
  env: process.env.GREETING,
  secret: Object.keys(process.env).filter((name) => name.includes("TOKEN")),
});

exports.stray = () => {
  require("fs").writeSync(1, "\0\0\0\x05hello on descriptor 1\n");
  require("child_process").execSync("echo from a child process", { stdio: "inherit" });
  return "fine";
};

exports.meet = async ({ count }) => {
  calls++;
  while (calls < count) await pause(2);
  return "met";
};

// Leaves an orphan: the child of sh outlives it.
exports.orphan = () => {
  require("child_process").execSync('sh -c "sleep 0.02 &"', { stdio: "ignore" });
};

// The name of the user that runs this, as the image and as the environment tell it.
exports.user = () => [require("os").userInfo().username, process.env.USER];

// Whether threads start.
exports.threads = () =>
  new Promise((resolve, reject) => {
    const { Worker } = require("worker_threads");
    const worker = new Worker("require('worker_threads').parentPort.postMessage(1)", {
      eval: true,
    });
    worker.on("message", resolve);
    worker.on("error", reject);
  });

/** Invokes `name`; tells its result, or the code of its error. */
exports.invokes = async ({ name, params }, context) => {
  try {
    return { result: await context.invoke(name, params) };
  } catch ({ code, message }) {
    return { code, message };
  }
};

/** Invokes two functions at once. */
exports.invokes_both = ({ names }, context) =>
  Promise.all(names.map((name) => context.invoke(name, { n: 1 })));

/** Leaves a timer behind that invokes a function after its call; the next call tells what came of it. */
let late;
exports.invokes_late = (_params, context) => {
  if (late) return late;
  late = pause(200).then(() => context.invoke("other")).catch(({ code }) => code);
  return null;
};

/** Functions of the environment's contract suite, for sandboxes. */

import { pause } from "./pause.ts";

interface Context {
  functionName: string;
  requestId: string;
  deadlineMs: number;
  memoryLimitMib: number;
  area: string;
  node: string;
  signal: AbortSignal;
  remainingMs(): number;
}

const kept: Uint8Array[] = [];
let calls = 0;
console.log("written outside of calls, where others write to descriptor 1");

export const echo = (params: unknown) => params;

export function fail() {
  console.log("before the failure");
  throw new TypeError("bad value");
}

export const crash = () => Deno.exit(3);

export function greedy() {
  for (;;) kept.push(new Uint8Array(1 << 20).fill(120));
}

export function spin() {
  for (;;);
}

export async function sleepy(_params: unknown, context: Context) {
  console.log("asleep");
  await new Promise((_resolve, reject) => {
    const timer = setTimeout(() => {}, 600_000);
    const stop = () => {
      clearTimeout(timer);
      reject(new Error("stopped"));
    };
    if (context.signal.aborted) stop();
    else context.signal.addEventListener("abort", stop);
  });
}

export async function noisy({ word }: { word: string }) {
  for (let i = 0; i < 20; i++) {
    console.log(word);
    await pause(1);
  }
  return word;
}

export const large = ({ text }: { text: string }) => ({ length: text.length, text });
export const count = () => ++calls;
export const stray = () => "fine";

export async function meet({ count }: { count: number }) {
  calls++;
  while (calls < count) await pause(2);
  return "met";
}

export const facts = (_params: unknown, context: Context) => ({
  function: context.functionName,
  request: context.requestId,
  deadline: context.deadlineMs - Date.now(),
  remaining: context.remainingMs(),
  memory: context.memoryLimitMib,
  area: context.area,
  node: context.node,
  env: Deno.env.get("GREETING"),
  all: Object.keys(Deno.env.toObject()),
});

import assert from "node:assert/strict";
import type { FunctionRecord } from "../../model/function.ts";
import { readableFunction } from "./function.ts";

const plain: FunctionRecord = {
  name: "hello",
  runtime: "python",
  memoryMib: 128,
  cpu: 0,
  maxConcurrency: 1,
  handler: "hello.handler",
  customImage: "",
  architectures: ["amd64", "arm64"],
  signature: { inputs: [], outputs: [] },
  timeoutMs: 0,
  env: {},
  network: "none",
  locality: "any",
  invokes: [],
  secrets: [],
  minInstances: 0,
  codeHash: "0123456789abcdef",
  version: "fedcba9876543210",
};

const shown = (change: Partial<FunctionRecord>) =>
  readableFunction({ ...plain, ...change }, { colour: false });

Deno.test("readableFunction: shows limits, and omits absent properties", () => {
  assert.equal(
    shown({}),
    [
      "function       hello",
      "runtime        python",
      "handler        hello.handler",
      "memory         128 MiB",
      "cpu            no limit",
      "concurrency    1 per instance",
      "kept warm      0 on each node",
      "timeout        the node's default",
      "network        none",
      "locality       any",
      "architectures  amd64, arm64",
      "code           0123456789ab",
      "version        fedcba987654",
    ].join("\n"),
  );
  assert.equal(shown({ signature: null }), shown({}));
  const incomplete = {
    inputs: [{ name: "n", type: "Int" }],
  } as unknown as FunctionRecord["signature"];
  assert.match(shown({ signature: incomplete }), /^signature +n:Int to nothing$/m);
});

Deno.test("readableFunction: shows all other properties, but no values of the environment", () => {
  const text = shown({
    runtime: "wasm",
    stateful: true,
    cpu: 0.5,
    timeoutMs: 2500,
    env: { TOKEN: "s3cret", A: "1" },
    locality: ["EDGE", "CLOUD"],
    signature: {
      inputs: [{ name: "n", type: "Int" }, { name: "m", type: "Text" }],
      outputs: [{ name: "r", type: "Float" }],
    },
  });
  assert.match(text, /^runtime +wasm, keeps its memory between invocations$/m);
  assert.match(text, /^signature +n:Int,m:Text to r:Float$/m);
  assert.match(text, /^cpu +0\.5 cores$/m);
  assert.match(text, /^timeout +2\.5 s$/m);
  assert.match(text, /^environment +A, TOKEN$/m);
  assert.match(text, /^locality +EDGE, CLOUD$/m);
  assert.doesNotMatch(text, /s3cret/);
});

Deno.test("readableFunction: shows the image of a custom function, and makes texts printable", () => {
  const text = shown({
    runtime: "custom",
    handler: "",
    customImage: "me/ocr\x1b[2J",
    codeHash: "",
  });
  assert.match(text, /^image +me\/ocr\u{FFFD}\[2J$/mu);
  assert.doesNotMatch(text, /^(handler|code) /m);
});

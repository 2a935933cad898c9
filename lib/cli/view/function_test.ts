import assert from "node:assert/strict";
import type { FunctionRecord } from "../../model/function.ts";
import { readableFunction } from "./function.ts";

const plain: FunctionRecord = {
  Name: "hello",
  Runtime: "python",
  MemoryMB: 128,
  CPUDemand: 0,
  MaxConcurrency: 1,
  Handler: "hello.handler",
  CustomImage: "",
  SupportedArchs: ["amd64", "arm64"],
  Signature: { Inputs: [], Outputs: [] },
  TimeoutMs: 0,
  Env: {},
  Network: "none",
  Locality: "any",
  MinInstances: 0,
  CodeHash: "0123456789abcdef",
  Version: "fedcba9876543210",
};

const shown = (change: Partial<FunctionRecord>) =>
  readableFunction({ ...plain, ...change }, { colour: false });

Deno.test("a plain function tells its limits, and nothing that it has not", () => {
  assert.equal(
    shown({}),
    [
      "function       hello",
      "runtime        python",
      "handler        hello.handler",
      "memory         128 MiB",
      "cpu            no limit",
      "concurrency    1 in each instance",
      "kept warm      0 on each node",
      "timeout        the node's default",
      "network        none",
      "locality       any",
      "architectures  amd64, arm64",
      "code           0123456789ab",
      "version        fedcba987654",
    ].join("\n"),
  );
  assert.equal(shown({ Signature: null }), shown({}));
});

Deno.test("what a function has beyond that is told, but no value of its environment", () => {
  const text = shown({
    Runtime: "wasm",
    Stateful: true,
    CPUDemand: 0.5,
    TimeoutMs: 2500,
    Env: { TOKEN: "s3cret", A: "1" },
    Locality: ["EDGE", "CLOUD"],
    Signature: {
      Inputs: [{ Name: "n", Type: "Int" }, { Name: "m", Type: "Text" }],
      Outputs: [{ Name: "r", Type: "Float" }],
    },
  });
  assert.match(text, /^runtime +wasm, keeps its memory between calls$/m);
  assert.match(text, /^signature +n:Int,m:Text to r:Float$/m);
  assert.match(text, /^cpu +0\.5 cores$/m);
  assert.match(text, /^timeout +2\.5 s$/m);
  assert.match(text, /^environment +A, TOKEN$/m);
  assert.match(text, /^locality +EDGE, CLOUD$/m);
  assert.doesNotMatch(text, /s3cret/);
});

Deno.test("a custom function tells its image; what came from outside is made printable", () => {
  const text = shown({
    Runtime: "custom",
    Handler: "",
    CustomImage: "me/ocr\x1b[2J",
    CodeHash: "",
  });
  assert.match(text, /^image +me\/ocr\u{FFFD}\[2J$/mu);
  assert.doesNotMatch(text, /^(handler|code) /m);
});

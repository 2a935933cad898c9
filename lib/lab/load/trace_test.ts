import assert from "node:assert/strict";
import { readTrace } from "./trace.ts";

const refused = (text: string, reason: RegExp) =>
  assert.throws(() => readTrace(text, "t.csv"), (error: Error & { code?: string }) => {
    assert.equal(error.code, "INVALID_REQUEST");
    assert.match(error.message, reason);
    return true;
  });

Deno.test("readTrace: reads a trace of times only", () => {
  assert.deepEqual(readTrace("time_s\n0\n0.5\n1e1\n", "t").map(({ at }) => at), [0, 0.5, 10]);
});

Deno.test("readTrace: accepts columns and rows in any order, empty cells and CRLF", () => {
  const text = '\ufefffunction,time_s,class\r\nfib,2,critical\r\n"hello",1.5,\r\n\r\n,0,batch\r\n';
  assert.deepEqual(readTrace(text, "t"), [
    { at: 0, function: undefined, class: "batch" },
    { at: 1.5, function: "hello", class: undefined },
    { at: 2, function: "fib", class: "critical" },
  ]);
});

Deno.test("readTrace: reports errors with their line", () => {
  refused("", /t\.csv, line 1: .*header/);
  refused("0,1\n", /line 1: .*header/);
  refused("time_s,user\n0,1\n", /line 1: .*header/);
  refused("function\nfib\n", /line 1: .*header/);
  refused("time_s,time_s\n1,1\n", /line 1: .*header/);
  refused("time_s\n", /no request/);
  refused("time_s\n1\nx\n", /line 3: time_s must be .* "x"/);
  refused("time_s\n-1\n", /line 2: time_s/);
  refused("time_s,function\n,fib\n", /line 2: time_s/);
  refused("time_s\n1,2\n", /line 2: .*more cells/);
});

import assert from "node:assert/strict";
import { ServerledgeError } from "../../base/errors.ts";
import { CallOutput, maxCallOutput, outputCut, withOutput } from "./call_output.ts";

Deno.test("CallOutput: keeps text in the order of writing", () => {
  const output = new CallOutput();
  output.write("a");
  output.write("b\n");
  assert.equal(output.text, "ab\n");
});

Deno.test("CallOutput: cuts output beyond the bound once", () => {
  const output = new CallOutput();
  for (let i = 0; i < 40; i++) output.write("x".repeat(1 << 16));
  assert.equal(output.text, "x".repeat(maxCallOutput) + outputCut);
});

Deno.test("CallOutput: does not cut output again that was cut before", () => {
  const output = new CallOutput();
  const cut = "x".repeat(maxCallOutput) + outputCut;
  output.write(cut);
  assert.equal(output.text, cut);
});

Deno.test("withOutput: puts the call's output on lines before the output of the error", () => {
  const crash = new ServerledgeError("FUNCTION_CRASHED", "gone", {
    details: { exitCode: 3, output: "last words" },
  });
  const whole = withOutput(crash, "said");
  assert.deepEqual(whole.details, { exitCode: 3, output: "said\nlast words" });
  assert.deepEqual([whole.code, whole.message], ["FUNCTION_CRASHED", "gone"]);
  assert.equal(withOutput(crash, ""), crash);
  const late = withOutput(new ServerledgeError("DEADLINE_EXCEEDED", "late"), "said\n");
  assert.deepEqual(late.details, { output: "said\n" });
});

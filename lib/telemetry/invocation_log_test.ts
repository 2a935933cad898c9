import assert from "node:assert/strict";
import type { InvocationOutcome } from "../scheduler/observer.ts";
import { InvocationLog } from "./invocation_log.ts";

const end: InvocationOutcome = {
  id: "hello-1",
  functionName: "hello",
  caller: "",
  outcome: "OK",
  message: "",
  qosClass: "default",
  place: "local",
  offloadForbidden: false,
  inTime: true,
  cold: false,
  tier: "warm",
  startMs: 0,
  waitMs: 0.12345,
  executionMs: 1.0006,
  responseMs: 1.5,
  resultSize: 3,
  traceback: "not logged",
};
const failed: InvocationOutcome = {
  ...end,
  outcome: "FUNCTION_ERROR",
  tier: undefined,
  message: 'ValueError: "a"\nb',
};

/** Records of both outcomes in a format. */
function logged(format: "text" | "json"): string[] {
  const lines: string[] = [];
  const log = new InvocationLog(
    { add: (line) => lines.push(line) },
    format,
    () => 1_700_000_000_123,
  );
  log.completed(end);
  log.completed(failed);
  return lines;
}

Deno.test("InvocationLog: a text record is a line with function, outcome and response time", () => {
  assert.deepEqual(logged("text"), [
    "2023-11-14T22:13:20.123Z INFO invocation: hello OK in 1.5 ms\n",
    "2023-11-14T22:13:20.123Z INFO invocation: hello FUNCTION_ERROR in 1.5 ms\n",
  ]);
});

Deno.test("InvocationLog: a JSON record has the properties of the log's other records", () => {
  const common = { class: "default", place: "local", cold: false };
  const times = { waitMs: 0.123, startMs: 0, executionMs: 1.001, responseMs: 1.5 };
  const record = (outcome: string, more: object) =>
    `${
      JSON.stringify({
        "@timestamp": "2023-11-14T22:13:20.123Z",
        level: "INFO",
        message: `hello ${outcome} in 1.5 ms`,
        logger: "serverledge.invocation",
        id: "hello-1",
        function: "hello",
        outcome,
        ...common,
        ...more,
      })
    }\n`;
  assert.deepEqual(logged("json"), [
    record("OK", { tier: "warm", ...times }),
    record("FUNCTION_ERROR", { ...times, error: 'ValueError: "a"\nb' }),
  ]);
});

Deno.test("InvocationLog: a record names the function that has invoked it", () => {
  for (
    const [format, expected] of [["text", " OK for f in "], ["json", ',"caller":"f",']] as const
  ) {
    const lines: string[] = [];
    const log = new InvocationLog({ add: (line) => lines.push(line) }, format, () => 0);
    log.completed({ ...end, caller: "f" });
    assert(lines[0]!.includes(expected), lines[0]);
    if (format === "json") assert.equal(JSON.parse(lines[0]!).caller, "f");
  }
});

Deno.test("InvocationLog: times have milliseconds", () => {
  const lines: string[] = [];
  const walls = [1_700_000_000_999.7, 1_700_000_001_000, 1_700_000_001_007, 1_700_000_000_050];
  const log = new InvocationLog({ add: (line) => lines.push(line) }, "text", () => walls.shift()!);
  for (let count = 0; count < 4; count++) log.completed(end);
  assert.deepEqual(lines.map((line) => line.split(" ")[0]), [
    "2023-11-14T22:13:20.999Z",
    "2023-11-14T22:13:21.000Z",
    "2023-11-14T22:13:21.007Z",
    "2023-11-14T22:13:20.050Z",
  ]);
});

import assert from "node:assert/strict";
import { eventually } from "../../../tests/support/eventually.ts";
import { recordedTerminal } from "../../../tests/support/fakes/recorded_terminal.ts";
import type { Terminal } from "../terminal.ts";
import { isReadable, show } from "./show.ts";
import { during } from "./spinner.ts";
import { printable, styled } from "./style.ts";

const onTerminal = ({ terminal }: { terminal: Terminal }): Terminal => ({
  ...terminal,
  out: { ...terminal.out, isTerminal: true },
  err: { ...terminal.err, isTerminal: true },
});

Deno.test("show: writes the readable form to a terminal, otherwise the node's JSON", () => {
  const shown = (json: true | undefined, isTerminal: boolean) => {
    const recorded = recordedTerminal();
    const terminal = isTerminal ? onTerminal(recorded) : recorded.terminal;
    assert.equal(isReadable({ json }, terminal), isTerminal && !json);
    show({ text: '{"b":1.0}' }, { json }, terminal, () => "readable");
    return recorded.written.out;
  };
  assert.equal(shown(undefined, true), "readable\n");
  for (const [json, isTerminal] of [[true, true], [undefined, false], [true, false]] as const) {
    assert.equal(shown(json, isTerminal), '{\n\t"b": 1.0\n}\n');
  }
});

Deno.test("during: without a terminal, shows nothing and returns the task's result", async () => {
  const recorded = recordedTerminal();
  assert.equal(await during(recorded.terminal, "Waiting", () => Promise.resolve(5)), 5);
  assert.equal(recorded.written.err, "");
});

Deno.test("during: shows a long task, with a shortened label, until it ends or fails", async () => {
  const recorded = recordedTerminal();
  const task = Promise.withResolvers<void>();
  const shown = during(onTerminal(recorded), () => "x".repeat(99), () => task.promise);
  await eventually("the indicator is shown", () => recorded.written.err !== "");
  task.reject(new Error("failed"));
  await assert.rejects(shown, { message: "failed" });
  const { err } = recorded.written;
  assert(err.includes(`${"x".repeat(69)}… `), err);
  assert(err.endsWith("\r\x1b[K"));
});

Deno.test("printable: replaces control characters, and keeps tabs and newlines", () => {
  assert.equal(printable("a\tb\nc"), "a\tb\nc");
  assert.equal(printable("\x1b[2J\x07\r\x9b"), "\uFFFD[2J\uFFFD\uFFFD\uFFFD");
});

Deno.test("styled: emphasizes only if the output supports it", () => {
  assert.equal(styled({ colour: false }, "red", "x"), "x");
  assert.equal(styled({ colour: true }, "red", "x"), "\x1b[31mx\x1b[39m");
});

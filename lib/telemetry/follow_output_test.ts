import assert from "node:assert/strict";
import { followOutput, type WrittenLine } from "./follow_output.ts";
import { OutputLog } from "./output_log.ts";

/** Follows function `f` with earlier output. */
function follow(lines: number, before: string, outside: readonly WrittenLine[] = []) {
  const log = new OutputLog({ wall: () => 1 });
  log.write("f", "f-1", before);
  const left = new AbortController();
  const state = { goesOn: true };
  const source = followOutput("f", lines, {
    log,
    outside: () => Promise.resolve(outside),
    goesOn: () => state.goesOn,
    signal: left.signal,
  });
  const next = async () => (await source.next()).value?.map(({ text }: WrittenLine) => text);
  return { log, left, state, next };
}

Deno.test("followOutput: shows the last lines, then each that is written", async () => {
  const { log, left, next } = follow(2, "1\n2\n3\n");
  assert.deepEqual(await next(), ["2", "3"]);
  const coming = next();
  log.write("g", "g-1", "another function's\n");
  log.write("f", "f-2", "4\n5\n");
  assert.deepEqual(await coming, ["4", "5"]);
  left.abort();
  assert.equal(await next(), undefined);
});

Deno.test("followOutput: shows a line when it has ended", async () => {
  const { log, left, next } = follow(10, "whole\nbeg");
  assert.deepEqual(await next(), ["whole"]);
  const coming = next();
  log.write("f", "f-1", "un\n");
  assert.deepEqual(await coming, ["begun"]);
  left.abort();
});

Deno.test("followOutput: shows what instances wrote once, also when it comes to the log", async () => {
  const { log, left, next } = follow(10, "", [{ time: 1, id: "-", text: "said" }]);
  assert.deepEqual(await next(), ["said"]);
  log.write("f", null, "said\nnew\n");
  assert.deepEqual(await next(), ["new"]);
  left.abort();
});

Deno.test("followOutput: ends with the function", async () => {
  const { state, next } = follow(10, "1\n");
  assert.deepEqual(await next(), ["1"]);
  state.goesOn = false;
  assert.equal(await next(), undefined);
});

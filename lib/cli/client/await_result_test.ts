import assert from "node:assert/strict";
import { recordedTerminal } from "../../../tests/support/fakes/recorded_terminal.ts";
import { awaitResult, pollPath } from "./await_result.ts";
import type { Answer } from "./client.ts";

const answer = (status: number): Answer => ({ status, text: "", json: {} });

/** A node whose invocation ends at the poll with that number. */
function ending(last: number) {
  const asked: string[] = [];
  const get = (path: string) => {
    asked.push(path);
    return Promise.resolve(answer(asked.length >= last ? 200 : 202));
  };
  return { asked, get };
}

Deno.test("awaitResult: polls until the invocation has ended", async () => {
  const node = ending(3);
  const { status } = await awaitResult(node, "f-1", 10_000, recordedTerminal().terminal);
  assert.equal(status, 200);
  assert.deepEqual(node.asked, ["/poll/f-1", "/poll/f-1", "/poll/f-1"]);
});

Deno.test("awaitResult: after the timeout, polls once more and returns the pending state", async () => {
  const node = ending(Infinity);
  const { status } = await awaitResult(node, "f-1", 30, recordedTerminal().terminal);
  assert.equal(status, 202);
  assert(node.asked.length >= 2);
});

Deno.test("awaitResult: an error of the node ends the wait", async () => {
  const get = () => Promise.reject(new Error("RESULT_UNKNOWN"));
  await assert.rejects(awaitResult({ get }, "f-1", 10_000, recordedTerminal().terminal), {
    message: "RESULT_UNKNOWN",
  });
});

Deno.test("pollPath: an id is one segment of the path", () => {
  assert.equal(pollPath("a/b?c"), "/poll/a%2Fb%3Fc");
});

import assert from "node:assert/strict";
import { engineStatus } from "./engine.ts";
import { followProgress, type ProgressEvent } from "./progress.ts";

/** Creates a body that arrives in the given pieces. */
function answer(...pieces: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
}

Deno.test("followProgress: reports every event, wherever lines are cut", async () => {
  const events: ProgressEvent[] = [];
  const body = answer('{"id":"a"}\r\n{"i', 'd":"b"}\n', "\n", '{"id":"c"}');
  await followProgress("pull", body, (event) => events.push(event));
  assert.deepEqual(events.map(({ id }) => id), ["a", "b", "c"]);
});

Deno.test("followProgress: throws if the stream reports a failure", async () => {
  const failed = followProgress("pull image x", answer('{"id":"a"}\n{"error":"not\\nfound"}\n'));
  await assert.rejects(failed, (error) => {
    assert.equal(engineStatus(error), 500);
    assert.equal((error as Error).message, "Docker could not pull image x: not found");
    return true;
  });
});

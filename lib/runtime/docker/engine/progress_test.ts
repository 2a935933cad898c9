import assert from "node:assert/strict";
import { engineStatus } from "./engine.ts";
import { followProgress, type ProgressEvent } from "./progress.ts";

/** A body that arrives in the given pieces. */
function answer(...pieces: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
}

Deno.test("followProgress: lines cut anywhere, reports every event", async () => {
  const events: ProgressEvent[] = [];
  const body = answer('{"id":"a"}\r\n{"i', 'd":"b"}\n', "\n", '{"id":"c"}');
  await followProgress("pull", body, (event) => events.push(event));
  assert.deepEqual(events.map(({ id }) => id), ["a", "b", "c"]);
});

Deno.test("a failure within the progress is the request's failure", async () => {
  const failed = followProgress("pull image x", answer('{"id":"a"}\n{"error":"not\\nfound"}\n'));
  await assert.rejects(failed, (error) => {
    assert.equal(engineStatus(error), 500);
    assert.equal((error as Error).message, "Docker could not pull image x: not found");
    return true;
  });
});

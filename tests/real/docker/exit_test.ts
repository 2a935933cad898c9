import assert from "node:assert/strict";
import { Container } from "../../../lib/runtime/docker/container/container.ts";
import { memoryKillLine } from "../../../lib/runtime/docker/container/exit.ts";
import { Engine } from "../../../lib/runtime/docker/engine/engine.ts";
import { engineReply, scriptedEngine } from "../../support/fakes/scripted_engine.ts";

/** A log of one line, as the engine frames it. */
function logOf(line: string): string {
  return `\x01\0\0\0\0\0\0${String.fromCharCode(line.length)}${line}`;
}

for (const isMemoryKill of [false, true]) {
  const outcome = isMemoryKill
    ? "its late line about a memory kill counts"
    : "its reason is unknown";
  Deno.test(`Container: the log of a killed one is read twice, and ${outcome}`, async () => {
    let reads = 0;
    await using _engine = await scriptedEngine((request) => {
      if (request.startsWith("POST")) return engineReply("200 OK", '{"StatusCode":137}');
      if (!request.includes("/logs?")) {
        return engineReply("200 OK", '{"State":{"ExitCode":137,"OOMKilled":false}}');
      }
      reads++;
      return engineReply("200 OK", isMemoryKill && reads > 1 ? logOf(memoryKillLine) : "");
    });
    using engine = new Engine();
    const exit = await Container.existing(engine, "killed").exited();
    assert.deepEqual(exit, { code: 137, oomKilled: isMemoryKill || null });
    assert.equal(reads, 2);
  });
}

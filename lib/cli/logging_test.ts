import assert from "node:assert/strict";
import { ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import { startLogging } from "./logging.ts";

/** Logs some records and returns what was written once logging has ended. */
async function logged(format: "text" | "json"): Promise<string[]> {
  const chunks: Uint8Array[] = [];
  const stream = new WritableStream<Uint8Array>({
    write(chunk) {
      chunks.push(chunk);
    },
  });
  {
    await using _logging = startLogging({ level: "info", format }, stream);
    logger("pool").debug("not asked for");
    logger("pool").info("{name} is {state}", { name: "hello", state: "a\nb" });
    const error = new ServerledgeError("ENGINE_UNAVAILABLE", "No Docker");
    logger("pool").error("{count} lost: {error}", { count: 2, error });
  }
  logger("pool").error("after the end");
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk)).join("").trimEnd().split("\n");
}

Deno.test("startLogging: a text record is one line, with time, level and module", async () => {
  const lines = await logged("text");
  assert.equal(lines.length, 2, lines.join("\n"));
  assert.match(lines[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO pool: hello is "a\\nb"$/);
  assert.match(lines[1]!, / ERROR pool: 2 lost: No Docker$/);
});

Deno.test("startLogging: a JSON record contains its properties", async () => {
  const records = (await logged("json")).map((line) => JSON.parse(line));
  assert.equal(records.length, 2);
  assert.deepEqual([records[0].level, records[0].logger, records[0].name, records[0].state], [
    "INFO",
    "serverledge.pool",
    "hello",
    "a\nb",
  ]);
});

Deno.test("startLogging: rendered lines keep their order; errors are written at once", async () => {
  const chunks: string[] = [];
  const written = Promise.withResolvers<void>();
  const stream = new WritableStream<Uint8Array>({
    write(chunk) {
      chunks.push(new TextDecoder().decode(chunk));
      written.resolve();
    },
  });
  await using logging = startLogging({ level: "info", format: "text" }, stream);
  logger("pool").info("first");
  logging.infoLines!.add("second\n");
  logger("pool").error("third");
  await written.promise;
  const lines = chunks.join("").trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => line.split(" ").at(-1)), ["first", "second", "third"]);
});

Deno.test("startLogging: infoLines is undefined if info is not logged", async () => {
  const stream = new WritableStream<Uint8Array>();
  await using logging = startLogging({ level: "warning", format: "text" }, stream);
  assert.equal(logging.infoLines, undefined);
});

import assert from "node:assert/strict";
import { readJsonLines } from "./lines.ts";

Deno.test("readJsonLines: yields values from chunks of any size", async () => {
  const text = new TextEncoder().encode('{"a":"grüß"}\n\n[1,2]\n"end"');
  for (const size of [1, 2, 7, 100]) {
    const chunks = Array.from(
      { length: Math.ceil(text.length / size) },
      (_, i) => text.slice(i * size, (i + 1) * size),
    );
    const values = await Array.fromAsync(readJsonLines(ReadableStream.from(chunks)));
    assert.deepEqual(values, [{ a: "grüß" }, [1, 2], "end"]);
  }
});

Deno.test("readJsonLines: throws for a line that is not JSON", async () => {
  const stream = ReadableStream.from([new TextEncoder().encode("1\n{\n2\n")]);
  const read: unknown[] = [];
  await assert.rejects(async () => {
    for await (const value of readJsonLines(stream)) read.push(value);
  }, SyntaxError);
  assert.deepEqual(read, [1]);
});

import assert from "node:assert/strict";
import { Input, OutputLimit, PassedOn, Result } from "./stdio.ts";

const encoder = new TextEncoder();

Deno.test("Input: returns its bytes once, in pieces of the requested size", () => {
  const input = new Input();
  input.set(encoder.encode("abcde"));
  const read = (size: number) => {
    const bytes = new Uint8Array(size);
    return new TextDecoder().decode(bytes.subarray(0, input.read(bytes)));
  };
  assert.deepEqual([read(2), read(2), read(9), read(9)], ["ab", "cd", "e", ""]);
  assert.equal(input.write(new Uint8Array(1)), undefined, "it cannot be written");
});

Deno.test("PassedOn: passes bytes with the number of its stream, and accepts them without a receiver", () => {
  const written: [number, string][] = [];
  const stream = new PassedOn(2);
  assert.equal(stream.write(encoder.encode("lost")), 4);
  stream.output = {
    writeBytes: (fd: number, data: Uint8Array) =>
      written.push([fd, new TextDecoder().decode(data)]),
  } as unknown as PassedOn["output"];
  assert.equal(stream.write(encoder.encode("kept")), 4);
  assert.deepEqual(written, [[2, "kept"]]);
  assert.equal(stream.read(new Uint8Array(1)), undefined, "it cannot be read");
});

Deno.test("Result: keeps short and long output, and is empty after clear", () => {
  for (const sizes of [[3, 4], [16_384], [16_380, 10], [20_000, 1, 50_000]]) {
    const result = new Result(1 << 20);
    for (let round = 0; round < 2; round++) {
      const expected: number[] = [];
      for (const [i, size] of sizes.entries()) {
        assert.equal(result.write(new Uint8Array(size).fill(i + 1)), size);
        expected.push(...Array(size).fill(i + 1));
      }
      assert.deepEqual([...result.bytes], expected, `sizes ${sizes}, round ${round}`);
      result.clear();
      assert.equal(result.bytes.length, 0);
    }
  }
});

Deno.test("Result: accepts the maximum and refuses one byte more", () => {
  const result = new Result(20_000);
  result.write(new Uint8Array(20_000));
  assert.throws(() => result.write(new Uint8Array(1)), OutputLimit);
  assert.equal(result.bytes.length, 20_000, "what was written stays");
});

Deno.test("Result: one without room refuses everything", () => {
  assert.throws(() => new Result(0).write(new Uint8Array(1)), OutputLimit);
});

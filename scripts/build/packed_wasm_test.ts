import assert from "node:assert/strict";
import { packWasm } from "./packed_wasm.ts";

/** A module's magic number and something that is like code. */
function likeModule(size: number): string {
  const bytes = Uint8Array.from({ length: size }, (_, at) => (at * at) >> 7);
  bytes.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  return bytes.toBase64();
}

async function run(code: string): Promise<Record<string, unknown>> {
  return await import(`data:text/javascript,${encodeURIComponent(code)}`);
}

Deno.test("packed modules have the same value", async () => {
  const [one, other] = [likeModule(100_000), likeModule(200_001)];
  const code = `export const one = "${one}".length, two = [\`${other}\`];`;
  const packed = packWasm(code);
  assert.equal(packed.count, 2);
  assert.ok(packed.code.length < code.length / 2);
  const { one: length, two } = await run(packed.code);
  assert.equal(length, one.length);
  assert.deepEqual(two, [other]);
});

Deno.test("what is small or no module stays as it is", () => {
  const code = `f("${likeModule(1000)}", "${"QUJD".repeat(100_000)}")`;
  assert.deepEqual(packWasm(code), { code, count: 0 });
});

import assert from "node:assert/strict";
import { builtFrom, nativePrograms } from "./programs.ts";
import { sourceDigest } from "./sources.ts";

const machineIds = { amd64: 62, arm64: 183 };

for (const [name, text] of Object.entries(nativePrograms)) {
  Deno.test(`${name}: is a small static executable for its machine`, () => {
    const bytes = Uint8Array.fromBase64(text);
    const view = new DataView(bytes.buffer);
    assert.ok(bytes.length < (name.startsWith("stdio") ? 20_000 : 4096));
    assert.deepEqual([...bytes.subarray(0, 7)], [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    const architecture = name.split("-")[1] as keyof typeof machineIds;
    assert.equal(view.getUint16(18, true), machineIds[architecture]);
    const headers = Number(view.getBigUint64(32, true));
    for (let index = 0; index < view.getUint16(56, true); index++) {
      const type = view.getUint32(headers + 56 * index, true);
      assert.ok(type !== 2 && type !== 3, "neither dynamic nor with an interpreter");
      const flags = view.getUint32(headers + 56 * index + 4, true);
      if (type === 1) assert.notEqual(flags & 3, 3, "nothing is writable and executable");
    }
  });
}

Deno.test("nativePrograms: match their sources, see scripts/build/native.ts", async () => {
  assert.equal(builtFrom, await sourceDigest());
});

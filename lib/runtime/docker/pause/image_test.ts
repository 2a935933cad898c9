import assert from "node:assert/strict";
import { pauseArchive, pauseElf, pauseProgram } from "./image.ts";

const machineIds = { amd64: 62, arm64: 183 };

for (const [architecture, id] of Object.entries(machineIds)) {
  Deno.test(`pauseElf: creates a small static executable for ${architecture}`, () => {
    const bytes = pauseElf(architecture);
    const view = new DataView(bytes.buffer);
    assert.ok(bytes.length < 200);
    assert.deepEqual([...bytes.subarray(0, 7)], [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    assert.equal(view.getUint16(16, true), 2, "executable");
    assert.equal(view.getUint16(18, true), id, "machine");
    assert.equal(view.getUint16(56, true), 1, "one segment");
    const segment = Number(view.getBigUint64(32, true));
    assert.equal(view.getUint32(segment, true), 1, "loaded");
    assert.equal(view.getUint32(segment + 4, true), 5, "readable and executable, not writable");
    const offset = view.getBigUint64(segment + 8, true);
    const address = view.getBigUint64(segment + 16, true);
    const align = view.getBigUint64(segment + 48, true);
    assert.equal(view.getBigUint64(segment + 32, true), BigInt(bytes.length), "size in the file");
    assert.equal(address % align, offset % align, "address fits the alignment");
    const entry = view.getBigUint64(24, true) - address;
    assert.ok(entry >= 120n && entry < BigInt(bytes.length), "entry is behind the headers");
  });
}

Deno.test("pauseElf: throws for other architectures", () => {
  assert.throws(() => pauseElf("riscv64"), { code: "INSTANCE_START_FAILED" });
});

Deno.test("pauseArchive: contains the program as an executable file", async () => {
  const { unpackTar } = await import("modern-tar");
  const [entry, ...others] = await unpackTar(await pauseArchive("amd64"));
  assert.equal(others.length, 0);
  assert.equal(`/${entry!.header.name}`, pauseProgram);
  assert.equal(entry!.header.mode, 0o755);
  assert.deepEqual(entry!.data, pauseElf("amd64"));
});

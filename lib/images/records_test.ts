import assert from "node:assert/strict";
import { ImageRecords } from "./records.ts";

function memoryFile(text?: string) {
  const file = {
    text,
    writes: 0,
    read: () => file.text,
    write(text: string) {
      file.text = text;
      file.writes++;
    },
  };
  return file;
}

Deno.test("ImageRecords: keeps one record per image, written only when it changes", () => {
  const file = memoryFile();
  const records = new ImageRecords(file);
  records.note("python", "sha256:1", false);
  records.note("docker.io/library/python:latest", "sha256:1", false);
  assert.equal(file.writes, 1);
  records.note("python", "sha256:1", true);
  records.note("python", "sha256:1", false);
  assert.equal(file.writes, 2, "who has fetched it once has fetched it");
  const again = new ImageRecords(file);
  assert.deepEqual(again.entries, [{ image: "python:latest", id: "sha256:1", pulled: true }]);
  again.note("python", "sha256:2", false);
  assert.equal(again.get("python")?.pulled, false, "another image under the name is another's");
  again.forget("python");
  assert.deepEqual(new ImageRecords(file).entries, []);
});

Deno.test("ImageRecords: starts empty if the file is unreadable, and tolerates failed writes", () => {
  for (const text of ["nonsense", "{}", '[{"Image": 1}]']) {
    assert.deepEqual(new ImageRecords(memoryFile(text)).entries, []);
  }
  const records = new ImageRecords({
    read: () => undefined,
    write() {
      throw new Error("disk full");
    },
  });
  records.note("a", "sha256:1", true);
  assert.equal(records.entries.length, 1);
});

Deno.test("ImageRecords: is bounded", () => {
  const records = new ImageRecords(memoryFile());
  for (let k = 0; k < 1100; k++) records.note(`image-${k}`, `sha256:${k}`, true);
  assert.equal(records.entries.length, 1000);
  assert.equal(records.get("image-0"), undefined);
  assert.ok(records.get("image-1099"));
});

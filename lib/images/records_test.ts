import assert from "node:assert/strict";
import { ImageBook } from "./records.ts";

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

Deno.test("what was fetched or used is remembered under one name, and written only when it changes", () => {
  const file = memoryFile();
  const book = new ImageBook(file);
  book.note("python", "sha256:1", false);
  book.note("docker.io/library/python:latest", "sha256:1", false);
  assert.equal(file.writes, 1);
  book.note("python", "sha256:1", true);
  book.note("python", "sha256:1", false);
  assert.equal(file.writes, 2, "who has fetched it once has fetched it");
  const again = new ImageBook(file);
  assert.deepEqual(again.entries, [{ image: "python:latest", id: "sha256:1", pulled: true }]);
  again.note("python", "sha256:2", false);
  assert.equal(again.get("python")?.pulled, false, "another image under the name is another's");
  again.forget("python");
  assert.deepEqual(new ImageBook(file).entries, []);
});

Deno.test("a book that cannot be read or written is begun anew, and harms nobody", () => {
  for (const text of ["nonsense", "{}", '[{"Image": 1}]']) {
    assert.deepEqual(new ImageBook(memoryFile(text)).entries, []);
  }
  const book = new ImageBook({
    read: () => undefined,
    write() {
      throw new Error("disk full");
    },
  });
  book.note("a", "sha256:1", true);
  assert.equal(book.entries.length, 1);
});

Deno.test("a book stays small", () => {
  const book = new ImageBook(memoryFile());
  for (let k = 0; k < 1100; k++) book.note(`image-${k}`, `sha256:${k}`, true);
  assert.equal(book.entries.length, 1000);
  assert.equal(book.get("image-0"), undefined);
  assert.ok(book.get("image-1099"));
});

import assert from "node:assert/strict";
import { elfSize } from "./denort.ts";

Deno.test("a program ends where its section header table does", () => {
  const program = new Uint8Array(200);
  const header = new DataView(program.buffer);
  header.setBigUint64(0x28, 100n, true); // offset of the table
  header.setUint16(0x3a, 8, true); // size of an entry
  header.setUint16(0x3c, 5, true); // entries
  assert.equal(elfSize(program), 140);
});

import assert from "node:assert/strict";
import { sliceBytes } from "../base/slices.ts";
import { quoteText } from "./quote.ts";

async function quoted(text: Uint8Array): Promise<string | undefined> {
  const parts = await quoteText(text);
  return parts &&
    `"${
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        await new Blob(parts as Uint8Array<ArrayBuffer>[]).bytes(),
      )
    }"`;
}

Deno.test("quoteText: equals JSON.stringify, wherever slices split a character", async () => {
  const encoder = new TextEncoder();
  for (const text of ["", "a", '\ufeffa\u0000"\\\n\u007fé']) {
    assert.ok(await quoted(encoder.encode(text)) === JSON.stringify(text));
  }
  for (const character of ['"', "é", "€", "😀", "\u0001"]) {
    const { length } = encoder.encode(character);
    for (let shift = 0; shift < length; shift++) {
      const text = "x".repeat(shift) + character.repeat(2 * sliceBytes / length);
      assert.ok(await quoted(encoder.encode(text)) === JSON.stringify(text));
    }
  }
});

Deno.test("quoteText: reports bytes that are not UTF-8, at either end of a slice", async () => {
  for (const at of [0, 10, sliceBytes - 1, sliceBytes, 2 * sliceBytes]) {
    const bytes = new Uint8Array(2 * sliceBytes + 1).fill(0x61);
    bytes[at] = 0xc3;
    assert.equal(await quoteText(bytes), undefined, `${at}`);
  }
});

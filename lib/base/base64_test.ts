import assert from "node:assert/strict";
import { decodeBase64, decodedAtOnce, encodeBase64 } from "./base64.ts";
import { sliceBytes } from "./slices.ts";

const encoder = new TextEncoder();

function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => at * 31 >> 3);
}

const lengths = [0, 1, 2, 3, 1000, ...[-3, -2, -1, 0, 1, 2, 3].map((more) => sliceBytes + more)];

Deno.test("encodeBase64: matches Uint8Array.toBase64 at lengths around that of a slice", async () => {
  for (const length of [...lengths, 3 * sliceBytes + 1]) {
    const text = new TextDecoder().decode(await encodeBase64(bytesOf(length)));
    assert.ok(text === bytesOf(length).toBase64(), `${length}`);
  }
});

Deno.test("decodeBase64: returns the encoded bytes, with and without padding", async () => {
  for (const length of [...lengths, 3 * decodedAtOnce / 4, 2 * decodedAtOnce + 1]) {
    const text = bytesOf(length).toBase64();
    for (const each of [text, text.replace(/=+$/, "")]) {
      assert.ok((await decodeBase64(encoder.encode(each))).toBase64() === text, `${length}`);
    }
  }
});

Deno.test("decodeBase64: skips line ends and gaps, wherever slices end", async () => {
  const bytes = bytesOf(2 * decodedAtOnce);
  for (const length of [76, 77, 1001]) {
    const text = bytes.toBase64().replace(new RegExp(`.{${length}}`, "g"), "$&\r\n");
    assert.ok((await decodeBase64(encoder.encode(text))).toBase64() === bytes.toBase64());
  }
  const gap = " ".repeat(2 * decodedAtOnce);
  assert.deepEqual(
    await decodeBase64(encoder.encode(`QU${gap}JD${gap}QQ==${gap}`)),
    encoder.encode("ABCA"),
  );
});

Deno.test("decodeBase64: rejects the same texts as Uint8Array.fromBase64", async () => {
  const long = "QUJD".repeat(decodedAtOnce);
  for (const bad of ["é", "QQ==QQ==", "Q", "QQ=", "Q===", `${long}!`, `!${long}`, `QQ==${long}`]) {
    assert.throws(() => Uint8Array.fromBase64(bad), SyntaxError, bad.slice(0, 9));
    await assert.rejects(decodeBase64(encoder.encode(bad)), SyntaxError, bad.slice(0, 9));
  }
});

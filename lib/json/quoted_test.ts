import assert from "node:assert/strict";
import { QuotedText, Unquoting } from "./quoted.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function unquote(json: string, count: number): string {
  const unquoting = new Unquoting(encoder.encode(json));
  while (!unquoting.advance(count));
  return decoder.decode(unquoting.text);
}

/** Arbitrary strings of JSON in quoted form. */
const quoted = [
  '""',
  '"plain"',
  String.raw`"\"\\\/\b\f\n\r\t"`,
  String.raw`"a\u0000b\u007f\u0080\u07ff\u0800\uffff"`,
  String.raw`"\u00E9\u00e9 é \uD83D\uDE00 \ud83d\ude00 😀"`,
  String.raw`"\\u0041 \\\u0041 \\\\"`,
  '"' + '\\"'.repeat(50) + '"',
];

Deno.test("Unquoting: decodes escapes as JSON.parse does, wherever slices end", () => {
  for (const json of quoted) {
    for (const count of [1, 2, 3, 5, 7, 1000]) {
      assert.equal(unquote(json, count), JSON.parse(json), `${json} in slices of ${count}`);
    }
  }
});

Deno.test("Unquoting: replaces a lone surrogate by U+FFFD, keeps its neighbours", () => {
  const cases = [
    [String.raw`"\ud83d"`, "\ufffd"],
    [String.raw`"\ude00x"`, "\ufffdx"],
    [String.raw`"\ud83d\ud83d\ude00"`, "\ufffd😀"],
    [String.raw`"\ud83d\n\ude00"`, "\ufffd\n\ufffd"],
    [String.raw`"\ud83d\u0041"`, "\ufffdA"],
  ] as const;
  for (const [json, text] of cases) {
    for (const count of [1, 6, 100]) assert.equal(unquote(json, count), text, json);
  }
});

Deno.test("Unquoting: decodes the escape of every UTF-16 unit", () => {
  for (let unit = 0; unit < 0x10000; unit++) {
    const json = `"\\u${unit.toString(16).padStart(4, "0")}"`;
    assert.equal(unquote(json, 100), String.fromCharCode(unit).toWellFormed(), json);
  }
});

Deno.test("QuotedText: JSON.stringify writes the quoted form unchanged", () => {
  const json = String.raw`"é \u00e9 \/"`;
  const text = new QuotedText(encoder.encode(json));
  assert.equal(JSON.stringify({ Result: text }), `{"Result":${json}}`);
  assert.equal(String(text), "é é /");
});

Deno.test("QuotedText.unquoted: returns a text of many slices", async () => {
  const text = 'é"\n😀\u0001'.repeat(100_000);
  const quoted = new QuotedText(encoder.encode(JSON.stringify(text)));
  assert.equal(decoder.decode(await quoted.unquoted()), text);
});

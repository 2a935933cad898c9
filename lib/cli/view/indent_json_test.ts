import assert from "node:assert/strict";
import { indentJson } from "./indent_json.ts";

Deno.test("indentJson: indents by tabs like Go", () => {
  const text = '{"a":[1,{"b":"x, {y}: \\"z\\""}],"empty":{},"none":[],"t":true}\n';
  assert.equal(
    indentJson(text),
    '{\n\t"a": [\n\t\t1,\n\t\t{\n\t\t\t"b": "x, {y}: \\"z\\""\n\t\t}\n\t],\n\t"empty": {},\n\t"none": [],\n\t"t": true\n}',
  );
});

Deno.test("indentJson: keeps every token unchanged", () => {
  assert.equal(
    indentJson('{"2":1.0,"1":12345678901234567890,"e":1e5,"u":"\\u00e9"}'),
    '{\n\t"2": 1.0,\n\t"1": 12345678901234567890,\n\t"e": 1e5,\n\t"u": "\\u00e9"\n}',
  );
});

Deno.test("indentJson: a second call changes nothing", () => {
  const once = indentJson('[[],[[1]],{"a":{"b":null}}]');
  assert.equal(indentJson(once), once);
});

Deno.test("indentJson: returns scalars and other texts unchanged", () => {
  for (const text of ["5", '"a b"', "null", "Function unknown", "", "{"]) {
    assert.equal(indentJson(`${text}\n`), text);
  }
});

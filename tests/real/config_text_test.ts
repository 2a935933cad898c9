import assert from "node:assert/strict";
import { parseConfigText } from "../../lib/cli/config/text.ts";

async function refused(content: string, path: string, message: RegExp): Promise<void> {
  await assert.rejects(parseConfigText(content, path), { code: "CONFIG_INVALID", message });
}

const expected = { "api.port": 8080, registry: { area: "EDGE" } };

Deno.test("parseConfigText: the same configuration in YAML, TOML and JSON is the same", async () => {
  const yaml = "api.port: 8080 # a port\nregistry:\n  area: EDGE\n";
  const toml = '"api.port" = 8080\n[registry]\narea = "EDGE"\n';
  for (const path of ["a.yaml", "a.YML", "a", "a.conf"]) {
    assert.deepEqual(await parseConfigText(yaml, path), expected, path);
  }
  assert.deepEqual(structuredClone(await parseConfigText(toml, "a.toml")), expected);
  assert.deepEqual(await parseConfigText(JSON.stringify(expected), "a.json"), expected);
});

Deno.test("parseConfigText: an empty file has no keys, and a value that cannot have keys is refused", async () => {
  assert.deepEqual(await parseConfigText("# nothing\n", "a.yaml"), {});
  await refused("- a\n- b\n", "a.yaml", /^a\.yaml: expected a mapping of keys to values$/);
  await refused("[1]", "a.json", /^a\.json: expected a mapping of keys to values$/);
});

Deno.test("parseConfigText: a mistake is reported with file, line and reason", async () => {
  await refused("a: 1\nb: [1, 2\nc: 3\n", "a.yaml", /^a\.yaml, line \d: /);
  await refused("a = 1\nb = = 2\n", "a.toml", /^a\.toml, line 2: /);
  await refused('{\n  "a": 1,\n  "b": }\n', "a.json", /^a\.json, line \d: /);
});

Deno.test("parseConfigText: a key that is set twice is refused by its name, in JSON too", async () => {
  await refused("a: 1\nb: 2\na: 3\n", "a.yaml", /^a\.yaml, line 3: a is set more than once$/);
  await refused('{"a": 1,\n"a": 2}', "a.json", /^a\.json, line 2: "a" is set more than once$/);
});

Deno.test("parseConfigText: YAML that is no JSON is refused in a JSON file", async () => {
  await refused("a: 1\n", "a.json", /^a\.json, line 1: /);
});

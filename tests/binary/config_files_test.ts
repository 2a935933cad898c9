/**
 * Configuration files as `start` and `config` read them. Here and not next to the source, since the
 * YAML parser asks the environment, and finding files needs files.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configuredPort, loadConfig } from "../../lib/cli/config/files.ts";
import { parseConfigText } from "../../lib/cli/config/text.ts";
import { exampleConfig } from "../../lib/cli/config/view.ts";
import { resolveConfig } from "../../lib/config/config.ts";

const expected = { "registry.area": "edge", api: { port: 8080 } };

Deno.test("YAML, TOML and JSON give the same configuration", async () => {
  const yaml = "registry.area: edge\napi:\n  port: 8080 # a comment\n";
  assert.deepEqual(await parseConfigText(yaml, "c.yaml"), expected);
  assert.deepEqual(await parseConfigText(yaml, "c.yml"), expected);
  assert.deepEqual(await parseConfigText(yaml, "no_ending"), expected);
  assert.deepEqual(
    structuredClone(
      await parseConfigText('"registry.area" = "edge"\n[api]\nport = 8080\n', "c.TOML"),
    ),
    expected,
  );
  const json = '{\n\t"registry.area": "edge",\n\t"api": {"port": 8080}\n}';
  assert.deepEqual(await parseConfigText(json, "a.b/c.json"), expected);
});

Deno.test("an empty YAML file sets nothing", async () => {
  assert.deepEqual(await parseConfigText("", "c.yaml"), {});
  assert.deepEqual(await parseConfigText("# nothing\n", "c.yaml"), {});
});

Deno.test("a malformed file is refused with path, line and reason", async () => {
  const cases: [string, string, number][] = [
    ["c.yaml", "api:\n  port: 1\n bad: 2\n", 3],
    ["c.yaml", "a: 1\nb: [1, 2\n", 3],
    ["c.yaml", "a: 1\na: 2\n", 2],
    ["c.toml", "[api]\nport = \n", 2],
    ["c.toml", "a = 1\na = 2\n", 2],
    ["c.json", '{\n  "a": 1,\n  "a": 2\n}', 3],
    ["c.json", '{\n  "a": 1,\n  "b" 2\n}', 3],
    ["c.json", '{\n  "a": 1,\n', 3],
    ["c.json", '{\n  "a": 1,\n}', 1],
  ];
  for (const [path, text, line] of cases) {
    await assert.rejects(parseConfigText(text, path), (error: Error) => {
      assert.ok(error.message.startsWith(`${path}, line ${line}: `), error.message);
      assert.ok(!error.message.includes("\n"), error.message);
      return true;
    });
  }
});

Deno.test("a key that is set twice is refused by its name", async () => {
  for (
    const [path, text, key] of [
      ["c.yaml", "api:\n  port: 1\n  port: 2\n", "port"],
      ["c.yaml", "'api.port': 1\napi.port: 2\n", "api.port"],
      ["c.json", '{"api.port":1,"api.port":2}', '"api.port"'],
    ] as const
  ) {
    await assert.rejects(parseConfigText(text, path), (error: Error) => {
      assert.ok(error.message.endsWith(`: ${key} is set more than once`), error.message);
      return true;
    });
  }
});

Deno.test("a file without keys is refused", async () => {
  for (
    const [path, text] of [["c.yaml", "- a\n"], ["c.json", "[1]"], ["c.yaml", "word"]] as const
  ) {
    await assert.rejects(parseConfigText(text, path), /expected a mapping of keys to values/);
  }
});

Deno.test("the example file gives the defaults", async () => {
  const values = await parseConfigText(exampleConfig(), "example.yaml");
  const { config, warnings } = resolveConfig([{ origin: "example.yaml", values }]);
  assert.deepEqual({ ...config, chosen: new Set() }, resolveConfig([]).config);
  assert.deepEqual(warnings, []);
});

const nothing = { file: undefined, config: undefined, listen: undefined, area: undefined, set: [] };

Deno.test("a file in the home directory is found; environment and command line take precedence", async () => {
  const home = await Deno.makeTempDir();
  try {
    const path = `${home}/serverledge-conf.toml`;
    await Deno.writeTextFile(path, '[api]\nport = 4000\n[registry]\narea = "edge"\n');
    await Deno.writeTextFile(`${home}/serverledge-conf.json`, '{"api.port": 1}');
    const env = { HOME: home, SERVERLEDGE_REGISTRY_AREA: "cloud", SERVERLEDGE_NOPE: "1" };
    assert.equal(await configuredPort(env), 4000);
    const { config, origins, warnings } = await loadConfig(nothing, undefined, env);
    assert.deepEqual([config["api.port"], config["registry.area"]], [4000, "cloud"]);
    assert.deepEqual([origins.get("api.port"), origins.get("registry.area")], [
      path,
      "environment",
    ]);
    assert.equal(warnings.length, 1);
    const { config: flagged } = await loadConfig({ ...nothing, area: "fog" }, 5000, env);
    assert.deepEqual([flagged["api.port"], flagged["registry.area"]], [5000, "fog"]);
    const { config: named } = await loadConfig({ ...nothing, config: path }, undefined, {});
    assert.equal(named["registry.area"], "edge");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("a named file must exist and be a file", async () => {
  await assert.rejects(loadConfig({ ...nothing, file: "/nope.yaml" }, undefined, {}), {
    message: "Cannot read the configuration /nope.yaml: no such file or directory",
  });
  await assert.rejects(
    loadConfig({ ...nothing, file: "a", config: "b" }, undefined, {}),
    /give only one of them/,
  );
});

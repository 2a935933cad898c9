import assert from "node:assert/strict";
import { resolveConfig } from "../../config/config.ts";
import { configTable, describeConfig } from "./view.ts";

Deno.test("configTable: shows each key with value and origin, but no secrets", () => {
  const values = { "etcd.password": "s3cret", "runtimes.python.image": "my/python" };
  const rows = describeConfig(resolveConfig([{ origin: "node.yaml", values }]));
  const row = (key: string) => rows.find((candidate) => candidate.key === key);
  assert.deepEqual(row("etcd.password"), {
    key: "etcd.password",
    value: "(hidden)",
    origin: "node.yaml",
  });
  assert.deepEqual(row("runtimes.python.image")?.origin, "node.yaml");
  assert.deepEqual(row("api.port"), { key: "api.port", value: 1323, origin: "default" });
  const table = configTable(rows);
  assert.ok(!table.includes("s3cret"));
  assert.match(table, /^api\.port +1323 +default$/m);
});

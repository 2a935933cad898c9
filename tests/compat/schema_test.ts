/**
 * Requests that schemathesis derives from the OpenAPI document, against a node of the binary.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runToEnd } from "../support/process.ts";
import { packTar } from "../../lib/archive/archive.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Where `scripts/setup.sh generators` puts it. */
const schemathesis =
  new URL("../../.tools/generators/schemathesis/bin/schemathesis", import.meta.url).pathname;

/**
 * 422 is the status of valid values that are impossible together or do not exist, which no schema can
 * express. Pulling images and logging in fail without an image registry, logs may be followed without an end, and a
 * `DELETE` of `/fn` is the function's.
 */
const settings = `
[parameters]
"path.fun" = "hello"
"path.name" = "hello"

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "422", "429"]
use_after_free.enabled = false

[[operations]]
include-path = "/images/pull"
checks.not_a_server_error.enabled = false
checks.positive_data_acceptance.enabled = false

[[operations]]
include-path = "/images/logins/{registry}"
checks.not_a_server_error.enabled = false
checks.positive_data_acceptance.enabled = false

[[operations]]
include-path = "/logs/{fun}"
parameters."query.follow" = "false"
`;

const handler = "export default (params) => params;";

Deno.test("requests derived from the OpenAPI document give no server error and no undocumented response", async () => {
  await using node = await startNodeProcess();
  await using folder = await tempDir("schema");
  await Deno.writeTextFile(`${folder.path}/schemathesis.toml`, settings);
  const data = new TextEncoder().encode(handler);
  const archive = await packTar([{ path: "hello.js", data, executable: false }]);
  const definition = { Name: "hello", Runtime: "deno", Handler: "hello" };
  const post = async (path: string, body: object) => {
    const response = await fetch(node.url + path, { method: "POST", body: JSON.stringify(body) });
    assert.equal(response.status, 200, path);
    return await response.json();
  };
  await post("/create", { ...definition, TarFunctionCode: archive.toBase64() });
  // The requests create keys, too, and from the first one on need one.
  const { Key } = await post("/keys", { Name: "root", Role: "admin" });
  const key = `Authorization: Bearer ${Key}`;
  const args = [
    "run",
    `${node.url}/openapi.json`,
    "--header",
    key,
    "--seed",
    "1",
    "--max-examples",
    "20",
  ];
  const { code, stdout, stderr } = await runToEnd([
    schemathesis,
    ...args,
    "--request-timeout",
    "20",
  ], {
    cwd: folder.path,
  });
  assert.equal(code, 0, stdout + stderr);
});

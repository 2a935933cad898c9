/**
 * `serverledge login` at a terminal.
 *
 * @module
 */

import assert from "node:assert/strict";
import { writeContexts } from "../../lib/cli/client/contexts.ts";
import { defaultBinary, startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";
import { typed } from "../support/terminal.ts";

Deno.test("login: the key that is typed at a terminal is not shown", async () => {
  await using home = await tempDir("login");
  await using node = await startNodeProcess();
  const created = await fetch(`${node.url}/keys`, {
    method: "POST",
    body: '{"Name":"root","Role":"admin"}',
  });
  const { Key } = await created.json();
  const env = { XDG_CONFIG_HOME: home.path };
  const command = `${defaultBinary()} login ${node.url} --name edge`;
  const prompt = "Key (hidden";
  // With a typing error that is erased.
  const { shown, code } = await typed(command, env, prompt, `abc\x15${Key}xy\x7f\x7f\r`);
  assert.equal(code, 0, shown);
  assert.match(shown, /Logged in .* with key "root"/);
  assert.doesNotMatch(shown, /sl_|abc|xy/);
  const { contexts } = JSON.parse(
    await Deno.readTextFile(`${home.path}/serverledge/contexts.json`),
  );
  assert.equal(contexts.edge.key, Key);
  const interrupted = await typed(command, env, prompt, "sl_\x03");
  assert.equal(interrupted.code, 130);
  assert.doesNotMatch(interrupted.shown, /sl_|Logged/);
});

Deno.test("writeContexts: leaves no copy of the keys behind if the file cannot be written", async () => {
  await using home = await tempDir("contexts");
  const folder = `${home.path}/serverledge`;
  await Deno.mkdir(`${folder}/contexts.json`, { recursive: true });
  await assert.rejects(writeContexts({ XDG_CONFIG_HOME: home.path }, { contexts: {} }), {
    code: "CONFIG_INVALID",
    message: /Cannot write .*contexts\.json/,
  });
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["contexts.json"]);
});

/**
 * Logins to private image registries, as users of the binary store and use them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { get } from "../support/client.ts";
import { startImageRegistry } from "../support/image_registry.ts";
import { startNodeProcess } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

Deno.test("a login to a private registry lets the node pull its images", async () => {
  await using stack = new AsyncDisposableStack();
  const data = stack.use(await tempDir("logins"));
  const registry = stack.use(startImageRegistry());
  const right = `password-${crypto.randomUUID()}`;
  registry.credentials = `robot:${right}`;
  const image = await registry.add(`private-${crypto.randomUUID().slice(0, 8)}`, "content");
  stack.defer(async () => void await runToEnd(["docker", "image", "rm", "--force", image]));
  const node = stack.use(
    await startNodeProcess({ config: { "data.dir": data.path, "log.level": "debug" } }),
  );
  const pull = () => node.cli(["images", "pull", image]);
  const login = (text: string) =>
    node.cli(["images", "login", registry.host, "--username", "robot"], text);

  const refused = await pull();
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /serverledge images login 127\.0\.0\.1:\d+/);
  const wrong = await login("wrong");
  assert.match(wrong.stderr, /Docker could not log in to 127\.0\.0\.1:\d+/);
  assert.deepEqual((await get(`${node.url}/images/logins`)).body, { Logins: [] });

  const stored = await login(`${right}\n`);
  assert.equal(stored.code, 0, stored.stderr);
  const pulled = await pull();
  assert.equal(pulled.code, 0, pulled.stderr);
  const listed = JSON.parse((await node.cli(["images", "logins"])).stdout);
  assert.deepEqual(
    listed.Logins.map(({ Registry, Username }: Record<string, string>) => [Registry, Username]),
    [[registry.host, "robot"]],
  );
  assert.equal((await node.cli(["secrets", "rotate"])).code, 0);

  const encoded = btoa(`robot:${right}`);
  const found = await runToEnd(["grep", "-rlaF", "-e", right, "-e", encoded, data.path]);
  assert.deepEqual([found.code, found.stdout], [1, ""]);
  assert(!node.log().includes(right) && !JSON.stringify(listed).includes(right));

  assert.equal((await node.cli(["images", "logout", registry.host])).code, 0);
  const again = await node.cli(["images", "pull", image, "--refresh"]);
  assert.equal(again.code, 2);
  assert.match((await node.cli(["images", "logout", registry.host])).stderr, /no login to/);
});

/**
 * The first key, as its owner creates it on a machine whose node may run.
 *
 * @module
 */

import assert from "node:assert/strict";
import { makeCertificate } from "../support/network/certificates.ts";
import { freePort } from "../support/network/free_port.ts";
import { defaultBinary, startNodeProcess } from "../support/node.ts";
import { cleanEnv, runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

/** A node's configuration in a file, and commands that read it. */
async function configured(folder: string, more: Record<string, unknown> = {}) {
  const config = { "api.port": freePort(), "data.dir": `${folder}/data`, ...more };
  await Deno.writeTextFile(`${folder}/node.json`, JSON.stringify(config));
  const env = {
    ...cleanEnv(),
    XDG_CONFIG_HOME: folder,
    // Another machine, which the command must not call.
    SERVERLEDGE_HOST: "192.0.2.1",
  };
  return {
    start: () => startNodeProcess({ config }),
    init: (...args: string[]) =>
      runToEnd([defaultBinary(), "keys", "init", `${folder}/node.json`, "--json", ...args], {
        env,
      }),
  };
}

function request(url: string, body: object | undefined, key: string, trust?: string) {
  using client = Deno.createHttpClient(trust ? { caCerts: [Deno.readTextFileSync(trust)] } : {});
  return fetch(url, {
    client,
    headers: { authorization: `Bearer ${key}` },
    ...(body && { method: "POST", body: JSON.stringify(body) }),
  }).then(async (response) => {
    await response.body?.cancel();
    return response.status;
  });
}

Deno.test("keys init calls the running node of its configuration, and no other", async (t) => {
  await using folder = await tempDir("keys-init");
  const { start, init } = await configured(folder.path);
  let admin = "";
  {
    await using node = await start();
    await t.step("another node at the configured port gets no key", async () => {
      await using other = await startNodeProcess();
      const { code, stderr } = await init("--set", `api.port=${new URL(other.url).port}`);
      assert.equal(code, 1);
      assert.match(stderr, /another node responds there\): stop it/);
      assert.equal(await request(`${other.url}/keys`, undefined, ""), 200, "it is open");
    });
    await t.step("an open node creates the key, whatever SERVERLEDGE_HOST says", async () => {
      const { code, stdout, stderr } = await init();
      assert.equal(code, 0, stderr);
      admin = JSON.parse(stdout).Key;
      assert.equal(await request(`${node.url}/keys`, undefined, admin), 200);
    });
    await t.step("a node that requires a key must be stopped", async () => {
      const { code, stderr } = await init("--force");
      assert.equal(code, 1);
      assert.match(
        stderr,
        /A running node uses .*it requires a key: stop it, run serverledge keys/,
      );
    });
    await t.step("a node stays closed after its last key was revoked", async () => {
      const revoked = await request(`${node.url}/keys/admin/revoke`, { Force: true }, admin);
      assert.equal(revoked, 200);
      assert.equal(await request(`${node.url}/function`, undefined, admin), 401);
      assert.equal((await init()).code, 1);
    });
  }
  await t.step("a stopped node gets another key", async () => {
    assert.equal((await init()).code, 0);
    const { stderr } = await init();
    assert.match(stderr, /keys of admins already \(admin\).*--force/);
    assert.equal((await init("--force", "--name", "second")).code, 0);
  });
});

Deno.test("keys init reaches a node that serves HTTPS only, and tells if it cannot", async () => {
  await using folder = await tempDir("keys-init-tls");
  const files = await makeCertificate(folder.path, "node");
  const { start, init } = await configured(folder.path, {
    "api.tls.cert": files.cert,
    "api.tls.key": files.key,
  });
  await using node = await start();
  const lost = await init("--set", `api.port=${freePort()}`);
  assert.equal(lost.code, 1);
  assert.match(lost.stderr, /cannot be called at https:.*: stop it/);
  const { code, stdout, stderr } = await init();
  assert.equal(code, 0, stderr);
  const { Key } = JSON.parse(stdout);
  assert.equal(await request(`${node.url}/keys`, undefined, Key, files.cert), 200);
});

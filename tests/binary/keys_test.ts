/**
 * Keys as users of the binary manage and use them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { code } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { defaultBinary, startNodeProcess } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const source = "export default (params) => JSON.stringify(params?.headers ?? {});";

async function definition(name: string, more: object = {}): Promise<object> {
  const TarFunctionCode = await code({ "main.js": source });
  return { Name: name, Runtime: "deno", MemoryMB: 64, Handler: "main", TarFunctionCode, ...more };
}

Deno.test("a node beyond loopback needs a key, which keys init creates", async () => {
  await using folder = await tempDir("keys");
  const args = ["--set", `data.dir=${folder.path}`, "--set", "api.port=0", "--listen", "0.0.0.0"];
  const run = (...command: string[]) =>
    runToEnd([defaultBinary(), ...command, ...args], { env: { HOME: folder.path } });
  const refused = await run("start");
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /There is no valid key of an admin[^]*serverledge keys init[^]*api\.auth to none/,
  );
  const first = await run("keys", "init", "--json");
  assert.match(JSON.parse(first.stdout).Key, /^sl_[a-z0-9]{12}_[0-9a-f]{64}$/);
  const second = await run("keys", "init");
  assert.match(second.stderr, /keys of admins already \(admin\)/);
});

Deno.test("keys with roles, as curl and the command line use them", async (t) => {
  await using home = await tempDir("keys-home");
  await using node = await startNodeProcess({
    env: { XDG_CONFIG_HOME: home.path },
    config: { "qos.critical": { id: 1 }, "qos.besteffort": { id: 2 } },
  });
  const { url } = node;
  const fields = async (path: string, init: RequestInit = {}, key?: string) => {
    const headers = key ? { authorization: `Bearer ${key}` } : undefined;
    const response = await fetch(url + path, { ...init, ...(headers && { headers }) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  };
  const post = (path: string, body: unknown, key?: string) =>
    fields(path, { method: "POST", body: JSON.stringify(body) }, key);
  const issue = async (grant: object, key?: string): Promise<string> => {
    const { status, text } = await post("/keys", grant, key);
    assert.equal(status, 200, text);
    return JSON.parse(text).Key;
  };

  await t.step(
    "without keys a node on loopback is open; with the first one it is not",
    async () => {
      assert.equal((await fields("/function")).status, 200);
    },
  );
  const admin = await issue({ Name: "root", Role: "admin" });
  const deployer = await issue({ Name: "dev", Role: "deployer", Functions: ["camera-*"] }, admin);
  const invoker = await issue({ Name: "cam", Functions: ["camera-*"], Role: "invoker" }, admin);
  const viewer = await issue({ Name: "eye", Functions: ["camera-*"], Role: "viewer" }, admin);

  await t.step("a request without a key, or with another one, gets 401", async () => {
    for (const key of [undefined, "sl_x", admin.replace(/.$/, "g"), "other"]) {
      const { status, headers } = await fields("/function", {}, key);
      assert.deepEqual([status, headers.get("www-authenticate")], [401, "Bearer"]);
    }
    const health = JSON.parse((await fields("/healthz")).text);
    assert.equal(health.Status, "ok", "a health check needs no key");
  });

  await t.step("each role may do what it may, on its functions", async () => {
    const create = async (name: string, key: string) =>
      (await post("/create", await definition(name), key)).status;
    assert.equal(await create("camera-1", deployer), 200);
    assert.equal(await create("other", deployer), 403);
    assert.equal(await create("other", admin), 200);
    assert.equal(await create("camera-2", invoker), 403);
    const invoke = async (name: string, key: string) =>
      (await post(`/invoke/${name}`, {}, key)).status;
    assert.equal(await invoke("camera-1", invoker), 200);
    assert.equal(await invoke("other", invoker), 403);
    assert.equal(await invoke("missing", invoker), 403, "the response is the same as for other");
    assert.equal(await invoke("camera-9", invoker), 404);
    assert.equal(await invoke("camera-1", viewer), 403);
    for (const path of ["/images/pull", "/images/prune"]) {
      assert.equal((await post(path, {}, deployer)).status, 403);
    }
    assert.equal((await fields("/keys", {}, deployer)).status, 403);
  });

  await t.step(
    "a deployer allows a function to invoke only what it may invoke itself",
    async () => {
      const change = async (Invokes: string[]) =>
        (await fields(
          "/function/camera-1",
          { method: "PATCH", body: JSON.stringify({ invokes: Invokes }) },
          deployer,
        )).status;
      assert.equal(await change(["camera-*", "camera-9"]), 200);
      for (const wider of ["*", "c*", "other"]) assert.equal(await change([wider]), 403, wider);
      const created = { ...await definition("camera-2"), Invokes: ["other"] };
      assert.equal((await post("/create", created, deployer)).status, 403);
    },
  );

  await t.step(
    "a deployer does not get the rights of a function by changing its code",
    async () => {
      const wider = { ...await definition("camera-wide"), Invokes: ["other"] };
      assert.equal((await post("/create", wider, admin)).status, 200);
      const TarFunctionCode = await code({ "main.js": "export default () => 'mine';" });
      const patch = async (changes: object, key: string) =>
        await fields(
          "/function/camera-wide",
          { method: "PATCH", body: JSON.stringify(changes) },
          key,
        );
      for (
        const changes of [
          { TarFunctionCode },
          { TarFunctionCode, Invokes: ["other"] },
          { Env: { NODE_OPTIONS: "--import ./x.js" } },
          { Handler: "other" },
          { Public: true },
        ]
      ) {
        const { status, text } = await patch(changes, deployer);
        assert.equal(status, 403, text);
        assert.match(text, /may not invoke functions named \\"other\\"/);
      }
      assert.equal((await patch({ MemoryMB: 65 }, deployer)).status, 200);
      assert.equal((await patch({ TarFunctionCode }, admin)).status, 200);
      assert.equal((await patch({ TarFunctionCode, Invokes: [] }, deployer)).status, 200);
      await post("/delete", { Name: "camera-wide" }, admin);
    },
  );

  await t.step("a viewer sees functions of its pattern only", async () => {
    assert.deepEqual(JSON.parse((await fields("/function", {}, viewer)).text), ["camera-1"]);
    assert.deepEqual(JSON.parse((await fields("/function", {}, admin)).text), [
      "camera-1",
      "other",
    ]);
    assert.equal((await fields("/logs/other", {}, viewer)).status, 403);
    await post("/invoke/other", {}, admin);
    for (const path of ["/status", "/metrics", "/policy"]) {
      const { status, text } = await fields(path, {}, viewer);
      assert.equal(status, 200);
      assert.doesNotMatch(text, /"other"/, path);
    }
    const large = { ...await definition("large"), MemoryMB: 1 << 20, MinInstances: 1 };
    assert.equal((await post("/create", large, admin)).status, 200);
    const status = async (key: string) => JSON.parse((await fields("/status", {}, key)).text);
    await eventually(
      "the admin sees the problem",
      async () => /^large: /.test((await status(admin)).Problems.join()),
    );
    assert.equal((await status(admin)).Functions, 3);
    assert.equal((await status(viewer)).Functions, 1);
    for (const path of ["/status", "/healthz"]) {
      assert.doesNotMatch((await fields(path, {}, viewer)).text, /large/, path);
    }
    await post("/delete", { Name: "large" }, admin);
    await fields(
      "/function/camera-1",
      { method: "PATCH", body: '{"Env":{"PASSWORD":"x1y2"}}' },
      deployer,
    );
    assert.doesNotMatch((await fields("/function?details=true", {}, viewer)).text, /x1y2/);
    assert.match((await fields("/function?details=true", {}, deployer)).text, /x1y2/);
  });

  await t.step("only the key of an asynchronous invocation can poll for it", async () => {
    const { text } = await post("/invoke/camera-1", { Async: true }, invoker);
    const { ReqId } = JSON.parse(text);
    const poll = async (key?: string) => (await fields(`/poll/${ReqId}`, {}, key)).status;
    assert([200, 202].includes(await poll(invoker)));
    assert([200, 202].includes(await poll(admin)));
    assert.equal(await poll(await issue({ Name: "cam2", Role: "invoker" }, admin)), 404);
    assert.equal(await poll(), 404);
  });

  await t.step("of two headers Authorization none counts, in HTTP/1 and HTTP/2", async () => {
    for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
      for (const keys of [[admin, viewer], [viewer, admin]]) {
        const headers = keys.flatMap((key) => ["-H", `Authorization: Bearer ${key}`]);
        const { stdout } = await runToEnd(["curl", "-s", version, ...headers, `${url}/key`]);
        assert.deepEqual(JSON.parse(stdout).code, "UNAUTHORIZED", version);
        assert.match(stdout, /more than one credential/);
      }
    }
  });

  await t.step("a public function can be invoked by anyone, and does not see keys", async () => {
    await post("/create", await definition("web", { Public: true }), admin);
    assert.equal((await post("/invoke/web", {})).status, 200);
    assert.equal((await fields("/fn/web")).status, 200);
    assert.equal((await fields("/logs/web")).status, 401);
    const withKey = await fields("/fn/web", {}, invoker);
    assert.doesNotMatch(withKey.text, /authorization|sl_/i);
    const own = await fields("/fn/web", {}, "token-of-the-function");
    assert.match(own.text, /Bearer token-of-the-function/);
    for (const path of ["/fn/web", "/invoke/web"]) {
      assert.equal((await fields(path, { method: "POST" }, "sl_invalid")).status, 401, path);
    }
  });

  await t.step("a key that would not permit what it says is refused", async () => {
    const refused = async (grant: object) => {
      const { status, text } = await post("/keys", { Name: "odd", ...grant }, admin);
      assert.equal(status, 422, text);
      return JSON.parse(text);
    };
    const narrow = await refused({ Role: "admin", Functions: ["camera-*"] });
    assert.deepEqual([narrow.code, narrow.path], ["UNPROCESSABLE", "Functions"]);
    for (const name of ["gold", "1"]) {
      const { path, message } = await refused({ Role: "invoker", Classes: ["critical", name] });
      assert.equal(path, "Classes");
      assert.match(message, /its classes are default, critical, besteffort/);
    }
  });

  await t.step("a client cannot claim to be a node", async () => {
    const headers = {
      "serverledge-request-id": "x-1",
      "serverledge-hops-left": "0",
      "serverledge-budget-ms": "1000",
      "serverledge-origin-area": "ROME",
      authorization: `Bearer ${invoker}`,
    };
    for (const path of ["/invoke/camera-1", "/fn/camera-1"]) {
      const { status, text } = await fields(path, { method: "POST", headers });
      assert.equal(status, 401, text);
      assert.match(text, /cluster\.secret/);
    }
  });

  await t.step("quotas and classes bound the invocations of a key", async () => {
    const slow = await issue({ Name: "slow", Role: "invoker", Rate: 0.01, Burst: 2 }, admin);
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await post("/invoke/other", {}, slow)).status);
    assert.deepEqual(statuses, [200, 200, 429, 429]);
    const refused = await fields("/fn/other", {}, slow);
    assert.equal(refused.status, 429);
    const { code: reason, message } = JSON.parse(refused.text);
    assert.equal(reason, "QUOTA_EXCEEDED");
    assert.match(message, /rate quota of key "slow"/);
    assert(Number(refused.headers.get("retry-after")) > 50);
    const small = await issue({ Name: "small", Role: "invoker", MemoryMB: 63 }, admin);
    const tooLarge = await post("/invoke/other", {}, small);
    assert.deepEqual([tooLarge.status, JSON.parse(tooLarge.text).code], [403, "FORBIDDEN"]);
    assert.match(tooLarge.text, /memory quota of key \\"small\\" \(63 MiB\)/);
    const best = await issue({ Name: "best", Role: "invoker", Classes: ["besteffort"] }, admin);
    assert.equal((await post("/invoke/other", { QoSClass: "critical" }, best)).status, 403);
    assert.equal((await post("/invoke/other", {}, best)).status, 200);
    assert.equal((await post("/invoke/web", { QoSClass: "critical" })).status, 403, "a stranger");
    assert.equal((await post("/invoke/web", { QoSClass: "default" })).status, 200, "a stranger");
    const unknown = await post("/invoke/other", { QoSClass: "critcal" }, best);
    assert.equal(unknown.status, 422);
    assert.match(unknown.text, /default, critical, besteffort; did you mean critical/);
    assert.equal((await post("/invoke/other", { QoSClass: 7 }, admin)).status, 200, "as in Go");
    assert.equal((await post("/invoke/other", { QoSClass: 7 }, best)).status, 403);
  });

  await t.step("a key that is revoked or rotated without overlap is invalid at once", async () => {
    const { text } = await post("/keys/cam/rotate", { OverlapS: 0 }, admin);
    assert.equal((await post("/invoke/camera-1", {}, invoker)).status, 401);
    const fresh = JSON.parse(text).Key;
    assert.equal((await post("/invoke/camera-1", {}, fresh)).status, 200);
    assert.equal((await post("/keys/cam/revoke", {}, admin)).status, 200);
    assert.equal((await post("/invoke/camera-1", {}, fresh)).status, 401);
    assert.equal((await post("/keys/root/revoke", {}, admin)).status, 403, "the last admin");
  });

  await t.step("the command line keeps a node and its key, readable by the user only", async () => {
    const login = await node.cli(["login", url, "--name", "edge"], admin);
    assert.equal(login.code, 0, login.stderr);
    assert.match(login.stderr, /key "root" \(admin\)/);
    const file = await Deno.stat(`${home.path}/serverledge/contexts.json`);
    assert.equal((file.mode ?? 0) & 0o777, 0o600);
    const listed = await node.cli(["list", "--context", "edge"]);
    assert.deepEqual(JSON.parse(listed.stdout), ["camera-1", "other", "web"]);
    const load = ["bench", "camera-1", "--context", "edge", "--duration", "0.2", "--warm-up", "0"];
    const bench = await node.cli(load);
    assert.equal(bench.code, 0, bench.stderr);
    const create = ["keys", "create", "odd", "--role", "invoker", "--classes", "gold"];
    const odd = await node.cli([...create, "--context", "edge"]);
    assert.equal(odd.code, 2);
    assert.match(odd.stderr, /no QoS class "gold"/);
    const wrong = await node.cli(["login", url], `${admin.slice(0, -1)}!`);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /does not accept this key[^]*keys create/);
    assert.doesNotMatch(wrong.stderr, /serverledge login/);
    const refused = await node.cli(["list"]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /SERVERLEDGE_KEY/);
  });
});

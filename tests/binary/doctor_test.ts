import assert from "node:assert/strict";
import { startEtcd } from "../support/etcd.ts";
import { freePort } from "../support/network/free_port.ts";
import { defaultBinary, startNodeProcess } from "../support/node.ts";
import { cleanEnv, runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

interface Finding {
  readonly Check: string;
  readonly State: string;
  readonly Message: string;
  readonly Fix?: string;
}

/** Runs the doctor with settings, on free ports and an own data directory unless given. */
async function examine(
  settings: Record<string, unknown>,
  env: Record<string, string> = {},
): Promise<{ code: number; of: (check: string) => Finding[] }> {
  await using dir = await tempDir("doctor");
  const all = { "data.dir": `${dir.path}/data`, "api.port": freePort(), ...settings };
  const file = `${dir.path}/config.json`;
  await Deno.writeTextFile(file, JSON.stringify(all));
  const { code, stdout, stderr } = await runToEnd([defaultBinary(), "doctor", file, "--json"], {
    env: { ...cleanEnv(), ...env },
  });
  assert.equal(stderr, "");
  const { Findings } = JSON.parse(stdout) as { Findings: Finding[] };
  for (const { State, Fix, Message } of Findings) assert.equal(State === "ok", !Fix, Message);
  return { code, of: (check) => Findings.filter(({ Check }) => Check === check) };
}

const states = (findings: readonly Finding[]) => findings.map(({ State }) => State);

Deno.test("doctor: a machine in order has no problem", async () => {
  await using etcd = await startEtcd();
  const { code, of } = await examine({
    "etcd.address": etcd.endpoint,
    "registry.udp.port": freePort(),
  });
  assert.equal(code, 0);
  assert.match(of("docker")[0]!.Message, /^Docker \d+\.\d+.* responds, API 1\.\d+$/);
  assert.deepEqual(states(of("images")), ["ok", "ok", "ok"]);
  assert.match(of("etcd")[0]!.Message, /^etcd 3\.\d+\.\d+ responds at /);
  assert.deepEqual(states(of("etcd")), ["ok", "ok"]);
  assert.match(of("keys")[0]!.Message, /There are no keys/);
  assert.match(of("clock")[0]!.Message, /within 2 s of 1 other clock$/);
  assert.deepEqual(states(of("ports")), ["ok", "ok"]);
  assert.deepEqual(states(of("disk")), ["ok", "ok"]);
});

Deno.test("doctor: a closed Docker socket is a warning, since sandboxes need none", async () => {
  await using dir = await tempDir("socket");
  const socket = `${dir.path}/docker.sock`;
  Deno.listen({ transport: "unix", path: socket }).close();
  const { code, of } = await examine({}, { DOCKER_HOST: `unix://${socket}` });
  assert.equal(code, 0);
  assert.deepEqual(states(of("docker")), ["warning"]);
  assert.ok(of("docker")[0]!.Message.includes(socket));
  assert.match(of("docker")[0]!.Fix!, /systemctl start docker/);
  assert.deepEqual(of("images"), []);
});

Deno.test("doctor: an image that is missing is named with the command that pulls it", async () => {
  const image = "localhost:1/serverledge-no-such-image:1";
  const { of } = await examine({}, { SERVERLEDGE_RUNTIMES_PYTHON_IMAGE: image });
  const missing = of("images").filter(({ State }) => State !== "ok");
  assert.equal(missing.length, 1);
  assert.ok(missing[0]!.Fix!.includes(`docker pull ${image}`));
  assert.match(missing[0]!.Fix!, /or set runtimes\.python\.image to an image/);
});

Deno.test("doctor: an etcd that does not answer, or refuses the node, is an error", async () => {
  const absent = await examine({ "etcd.address": `127.0.0.1:${freePort()}` });
  assert.equal(absent.code, 8);
  assert.deepEqual(states(absent.of("etcd")), ["error"]);
  assert.deepEqual(absent.of("clock"), []);

  await using etcd = await startEtcd();
  await etcd.ctl("user", "add", "root:secret");
  await etcd.ctl("user", "grant-role", "root", "root");
  await etcd.ctl("auth", "enable");
  const address = { "etcd.address": etcd.endpoint, "etcd.username": "root" };
  const refused = await examine({ ...address, "etcd.password": "wrong" });
  assert.equal(refused.code, 8);
  assert.deepEqual(states(refused.of("etcd")), ["ok", "error"]);
  assert.match(refused.of("etcd")[1]!.Fix!, /etcd\.password/);
  const known = await examine({ ...address, "etcd.password": "secret" });
  assert.deepEqual(states(known.of("etcd")), ["ok", "ok"]);
});

Deno.test("doctor: keys of the registry that need attention are named, while the node runs", async () => {
  await using etcd = await startEtcd();
  await using dir = await tempDir("doctor-keys");
  const embedded = { "data.dir": `${dir.path}/data`, "api.port": freePort() };
  const shared = { "etcd.address": etcd.endpoint, "registry.udp.port": freePort() };
  for (const config of [embedded, shared]) {
    const required = await examine({ ...config, "api.listen": "0.0.0.0", "cluster.secret": "s" });
    assert.deepEqual(states(required.of("keys")), ["error"]);
    assert.match(required.of("keys")[0]!.Fix!, /serverledge keys init/);
    await using node = await startNodeProcess({ config });
    const create = async (grant: object, key = "") => {
      const headers = { authorization: `Bearer ${key}` };
      const body = JSON.stringify(grant);
      return (await (await fetch(`${node.url}/keys`, { method: "POST", headers, body })).json())
        .Key;
    };
    const admin = await create({ Name: "root", Role: "admin" });
    await create({ Name: "soon", Role: "viewer", Expires: Date.now() + 86_400_000 }, admin);
    const { of } = await examine(config);
    assert.deepEqual(of("keys").map(({ Message }) => Message), [
      "Number of keys: 2",
      "Keys that expire within 14 days: soon",
    ]);
  }
});

Deno.test("doctor: secrets are counted, and those whose key the node does not have are a warning", async () => {
  await using dir = await tempDir("doctor-secrets");
  const config = { "data.dir": `${dir.path}/data`, "api.port": freePort() };
  assert.deepEqual((await examine(config)).of("secrets"), []);
  await using node = await startNodeProcess({ config });
  assert.equal((await node.cli(["secrets", "set", "A"], "value")).code, 0);
  const { of } = await examine(config);
  assert.deepEqual(of("secrets").map(({ Message }) => Message), ["1 key for 1 secret"]);
  const key = new Uint8Array(32).toBase64();
  const other = (await examine(config, { SERVERLEDGE_SECRETS_KEY: key })).of("secrets");
  assert.deepEqual(states(other), ["warning"]);
  assert.match(other[0]!.Message, /does not have the key .* that decrypts 1 secret$/);
  const missing = await examine({ ...config, "secrets.key": "/nonexistent/key" });
  assert.deepEqual(states(missing.of("secrets")), ["error"]);
  assert.equal(missing.code, 8);
});

Deno.test("doctor: a clock a minute behind that of etcd is an error", async () => {
  // No etcd of this machine has another clock: one that tells the wrong time and nothing else.
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () =>
      Response.json({ version: "3.5.0", leader: "1" }, {
        headers: { date: new Date(Date.now() + 60_000).toUTCString() },
      }),
  );
  const { code, of } = await examine({ "etcd.address": `127.0.0.1:${server.addr.port}` });
  assert.equal(code, 8);
  assert.match(of("clock")[0]!.Message, /is (59|60)\.\d s ahead of this machine's/);
  assert.match(of("clock")[0]!.Fix!, /set-ntp/);
});

Deno.test("doctor: a port that another program has is an error, one of the node is not", async () => {
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = await examine({ "api.port": other.addr.port });
  assert.equal(taken.code, 8);
  assert.match(taken.of("ports")[0]!.Message, /^Another program listens on 127\.0\.0\.1:\d+$/);

  await using node = await startNodeProcess();
  const own = await examine({ "api.port": Number(new URL(node.url).port) });
  assert.equal(own.code, 0);
  assert.match(own.of("ports")[0]!.Message, /^A node responds at /);

  const elsewhere = await examine({ "api.listen": "192.0.2.1" });
  assert.equal(elsewhere.code, 8);
  assert.match(elsewhere.of("ports")[0]!.Fix!, /api\.listen/);
});

Deno.test("doctor: a certificate that soon expires is a warning, one that is missing an error", async () => {
  await using dir = await tempDir("certificates");
  const make = async (name: string, days: number) => {
    const path = `${dir.path}/${name}`;
    const subject = ["-subj", "/CN=test", "-days", String(days)];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", `${path}.key`, "-out", `${path}.pem`];
    const made = await runToEnd(["openssl", "req", "-x509", ...key, ...files, ...subject]);
    assert.equal(made.code, 0, made.stderr);
    return { "etcd.tls.cert": `${path}.pem`, "etcd.tls.key": `${path}.key` };
  };
  const settings = { "etcd.address": `https://127.0.0.1:${freePort()}` };
  const check = async (files: Record<string, string>) =>
    (await examine({ ...settings, ...files })).of("certificates");
  assert.deepEqual(states(await check(await make("good", 90))), ["ok"]);
  assert.deepEqual(states(await check(await make("soon", 3))), ["warning"]);
  const none = { "etcd.tls.cert": `${dir.path}/none.pem`, "etcd.tls.key": `${dir.path}/none.key` };
  assert.match((await check(none))[0]!.Message, /cannot read .*none\.pem/);
});

Deno.test("doctor: few descriptors are a warning with the limit", async () => {
  await using dir = await tempDir("limits");
  const file = `${dir.path}/config.json`;
  await Deno.writeTextFile(file, JSON.stringify({ "data.dir": dir.path, "api.port": freePort() }));
  const command = 'ulimit -n 256; exec "$0" doctor "$1" --json';
  const { stdout } = await runToEnd(["sh", "-c", command, defaultBinary(), file]);
  assert.match(stdout, /"A node may open 256 files, which limits connections and instances"/);
});

/**
 * The compiled program and more clients than it may have descriptors: it stays, serves whoever comes
 * next, and starts instances meanwhile.
 *
 * @module
 */

import assert from "node:assert/strict";
import { raiseDescriptorLimit } from "../../lib/base/descriptors.ts";
import { code, get, post, python } from "../support/client.ts";
import { startEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, removeContainers, startNodeProcess } from "../support/node.ts";
import { RawClient } from "../support/network/raw_client.ts";
import { tempDir } from "../support/temp_dir.ts";

/** A command that runs another with a limit of descriptors. */
const limited = (count: number, kind = "") => [
  "sh",
  "-c",
  `ulimit ${kind} -n ${count}; exec "$@"`,
  "sh",
];

async function sandboxed(
  name: string,
  source = "export default () => ({ fine: true });",
): Promise<object> {
  return {
    Name: name,
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main.js",
    TarFunctionCode: await code({ "main.js": source }),
  };
}

function descriptors(node: NodeProcess): number {
  return [...Deno.readDirSync(`/proc/${node.pid}/fd`)].length;
}

/** Connects that many clients, of which each has sent something. */
async function crowd(node: NodeProcess, count: number, text: string): Promise<RawClient[]> {
  const port = Number(new URL(node.url).port);
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const batch = Array.from(
      { length: Math.min(50, count - clients.length) },
      () =>
        RawClient.open(port, text).catch((error) => {
          // One that was made to make way may learn it while it still connects.
          assert.ok(error instanceof Deno.errors.ConnectionReset, String(error));
          return undefined;
        }),
    );
    const opened = await Promise.all(batch);
    clients.push(...opened.filter((client) => client !== undefined));
  }
  return clients;
}

const idle = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const half = "POST /invoke/first HTTP/1.1\r\nHost: local";

Deno.test("a node with 64 descriptors runs ten functions sequentially and concurrently", async () => {
  await using node = await startNodeProcess({ runner: limited(64) });
  const names = Array.from({ length: 10 }, (_, i) => `turn${i}`);
  for (const [i, name] of names.entries()) {
    const definition = i % 4 === 3
      ? await python(name, "def f(params, context):\n    return 1\n")
      : await sandboxed(name);
    assert.equal((await post(`${node.url}/create`, definition)).status, 200);
    const { status, body } = await post(`${node.url}/invoke/${name}`);
    assert.equal(status, 200, JSON.stringify(body));
  }
  const ends = await Promise.all(names.map((name) => post(`${node.url}/invoke/${name}`)));
  assert.deepEqual(
    ends.map(({ status, body }) => status === 200 ? "" : JSON.stringify(body)),
    names.map(() => ""),
  );
  assert.equal(await node.stop(), 0);
});

/** Floods a node, and asks for everything meanwhile. */
async function withstands(node: NodeProcess, count: number, definitions: readonly object[]) {
  assert.equal((await post(`${node.url}/create`, await sandboxed("first"))).status, 200);
  assert.equal((await post(`${node.url}/invoke/first`)).status, 200);
  await eventually("a generic sandbox waits", async () => {
    const { GenericInstances } = (await get(`${node.url}/status`)).body;
    return Object.values(GenericInstances as Record<string, number>).some((count) => count > 0);
  });
  const before = descriptors(node);
  using clients = new DisposableStack();
  for (const text of [idle, half]) {
    for (const client of await crowd(node, count, text)) clients.use(client);
    const { status } = await get(`${node.url}/healthz`);
    assert.equal(status, 200);
  }
  for (const definition of definitions) {
    assert.equal((await post(`${node.url}/create`, definition)).status, 200);
    const { Name } = definition as { Name: string };
    const { status, body } = await post(`${node.url}/invoke/${Name}`);
    assert.equal(status, 200, JSON.stringify(body));
  }
  clients.dispose();
  for (const { Name } of definitions as { Name: string }[]) {
    assert.equal((await post(`${node.url}/delete`, { Name })).status, 200);
  }
  await eventually(
    `as few descriptors as before, ${before}`,
    async () => (await get(`${node.url}/status`)).status === 200 && descriptors(node) <= before + 1,
  );
  assert.doesNotMatch(node.log(), /Uncaught|panicked/);
  assert.equal(await node.stop(), 0);
}

Deno.test("a node with 1,024 descriptors withstands 1,000 idle connections and 1,000 half heads", async () => {
  await using node = await startNodeProcess({
    runner: limited(1024),
    // A container that waits for the next function has descriptors, too.
    config: { "runtimes.python.generic": 0 },
  });
  await withstands(node, 1_000, [
    await sandboxed("second"),
    await python("third", "def f(params, context):\n    return 1\n"),
  ]);
});

Deno.test("a node with 64 descriptors withstands 200 idle connections and 200 half heads", async () => {
  await using node = await startNodeProcess({ runner: limited(64) });
  await withstands(node, 200, [await sandboxed("second")]);
});

Deno.test("a node keeps 10,000 idle connections, and serves each of them and others meanwhile", async () => {
  const count = 10_000;
  const { soft } = await raiseDescriptorLimit();
  // A node keeps a quarter for other things than connections.
  assert.ok(soft >= 1.4 * count, `ulimit -n is ${soft}, which is too low for this test`);
  await using node = await startNodeProcess({ config: { "api.idle.timeout": 600 } });
  assert.equal((await post(`${node.url}/create`, await sandboxed("f"))).status, 200);
  assert.equal((await post(`${node.url}/invoke/f`)).status, 200);
  const before = { descriptors: descriptors(node), memory: residentMib(node) };
  const port = Number(new URL(node.url).port);
  using clients = new DisposableStack();
  const idleClients: Deno.TcpConn[] = [];
  while (idleClients.length < count) {
    const opened = Array.from({ length: 50 }, () => Deno.connect({ hostname: "127.0.0.1", port }));
    const batch = await Promise.all(opened);
    for (const conn of batch) clients.defer(() => conn.close());
    idleClients.push(...batch);
    await Promise.all(batch.map(healthOver));
  }
  assert.ok(descriptors(node) >= before.descriptors + count);
  const grown = residentMib(node) - before.memory;
  assert.ok(grown < 300, `${count} idle connections take ${grown} MiB`);

  for (let call = 0; call < 20; call++) {
    assert.equal((await post(`${node.url}/invoke/f`)).status, 200);
  }
  // None had to make way, and each is as good as a new one.
  for (let at = 0; at < count; at += 50) {
    await Promise.all(idleClients.slice(at, at + 50).map(healthOver));
  }
  clients.dispose();
  await eventually(
    "as few descriptors as before",
    async () =>
      (await get(`${node.url}/status`)).status === 200 &&
      descriptors(node) <= before.descriptors + 1,
  );
  assert.doesNotMatch(node.log(), /Uncaught|panicked/);
  assert.equal(await node.stop(), 0);
});

/** Sends a request over a connection that stays, and reads its response. */
async function healthOver(conn: Deno.TcpConn): Promise<void> {
  await conn.write(new TextEncoder().encode(idle));
  const buffer = new Uint8Array(1024);
  let text = "";
  while (!text.endsWith("}\n")) {
    const read = await conn.read(buffer);
    assert.notEqual(read, null, `closed after "${text}"`);
    text += new TextDecoder().decode(buffer.subarray(0, read!));
  }
  assert.match(text, /^HTTP\/1\.1 200 /);
}

function residentMib(node: NodeProcess): number {
  const status = Deno.readTextFileSync(`/proc/${node.pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

Deno.test("a node raises its limit of descriptors as far as possible", async () => {
  await using node = await startNodeProcess({ runner: limited(256, "-S") });
  const limits = await Deno.readTextFile(`/proc/${node.pid}/limits`);
  const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(limits) ?? [];
  assert.equal(soft, hard);
});

Deno.test("a client that closes only its sending side gets its response, one that disconnects cancels", async () => {
  await using node = await startNodeProcess();
  const port = Number(new URL(node.url).port);
  const source = "export default (params) => new Promise((done) => " +
    "setTimeout(done, params?.ms ?? 200, 'slept'));";
  assert.equal((await post(`${node.url}/create`, await sandboxed("slow", source))).status, 200);
  const invocation = (body: string) =>
    `POST /invoke/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (const text of [invocation(""), "GET /fn/slow/ HTTP/1.1\r\nHost: localhost\r\n\r\n"]) {
    using client = await RawClient.open(port, text);
    await client.halfClose();
    const { status, body } = await client.response();
    assert.equal(status, 200);
    assert.match(body, /slept/);
  }
  const leaving = await RawClient.open(port, invocation('{"Params":{"ms":30000}}'));
  await eventually("it runs", async () => (await get(`${node.url}/status`)).body.Running === 1);
  await leaving.halfClose();
  leaving[Symbol.dispose]();
  await eventually(
    "it is cancelled",
    async () => /outcome="CANCELLED"\} 1$/m.test((await get(`${node.url}/metrics`)).body),
  );
});

Deno.test("a node that is killed while it has HTTP/2 connections leaves no files behind", async () => {
  await using temporary = await tempDir("http2");
  const id = `killed-${crypto.randomUUID().slice(0, 8)}`;
  await using node = await startNodeProcess({
    env: { TMPDIR: temporary.path },
    config: { "registry.node.id": id },
  });
  const port = Number(new URL(node.url).port);
  using clients = new DisposableStack();
  for (let count = 0; count < 3; count++) {
    const client = clients.use(await Deno.connect({ port }));
    // The preface, and a frame of settings without any (RFC 9113, 3.4).
    await client.write(new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    await client.write(new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    const answer = new Uint8Array(9);
    assert.notEqual(await client.read(answer), null);
    assert.equal(answer[3], 4, "the server's settings");
  }
  await node.kill();
  await removeContainers(id);
  const left = [...Deno.readDirSync(temporary.path)].map(({ name }) => name);
  assert.deepEqual(left.filter((name) => name.includes("http2")), []);
});

Deno.test("a balancer with 128 descriptors withstands 300 idle connections and 300 half heads", async () => {
  await using etcd = await startEtcd();
  const config = { "etcd.address": etcd.endpoint, "registry.udp.port": 0 };
  await using _ = await startNodeProcess({ config });
  await using node = await startNodeProcess({ command: "lb", runner: limited(128), config });
  using clients = new DisposableStack();
  for (const text of [idle.replace("healthz", "status"), half]) {
    for (const client of await crowd(node, 300, text)) clients.use(client);
    const { status, body } = await get(`${node.url}/status`);
    assert.equal(status, 200, JSON.stringify(body));
  }
  assert.doesNotMatch(node.log(), /Uncaught|panicked/);
  assert.equal(await node.stop(), 0);
});

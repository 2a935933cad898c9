/**
 * The compiled program and clients over bad links, which take their answers, or send their requests, a
 * KiB at a time: others are served, memory is bounded, and nothing is left when they are gone.
 *
 * @module
 */

import assert from "node:assert/strict";
import { code, get, post } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../support/node.ts";
import { RawClient } from "../support/network/raw_client.ts";

const clientCount = 200;
/** What 200 clients may cost, MiB: what is reserved for bodies, and the collector's slack. */
const maxGrowthMib = 700;

const sources = {
  small: "export default () => 1;",
  long: 'const text = "x".repeat(4 << 20); export default () => text;',
  endless: `const part = new Uint8Array(65536);
    const body = () => new ReadableStream({ pull: (to) => to.enqueue(part) });
    export default { fetch: () => new Response(body()) };`,
};

async function withFunctions(): Promise<NodeProcess> {
  const node = await startNodeProcess({ config: { "container.pool.memory": 2048 } });
  for (const [Name, source] of Object.entries(sources)) {
    const TarFunctionCode = await code({ "main.js": source });
    const definition = {
      Name,
      Runtime: "deno",
      MemoryMB: 256,
      Handler: "main.js",
      TarFunctionCode,
    };
    const { status, body } = await post(`${node.url}/create`, {
      ...definition,
      MaxConcurrency: 64,
    });
    assert.equal(status, 200, JSON.stringify(body));
  }
  assert.equal(
    (await fetch(`${node.url}/fn/long`).then((answer) => answer.text())).length,
    4 << 20,
  );
  return node;
}

const descriptors = ({ pid }: NodeProcess) => [...Deno.readDirSync(`/proc/${pid}/fd`)].length;

function residentMib({ pid }: NodeProcess): number {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))!;
  return Number(kib) / 1024;
}

/**
 * Lets clients do a little, again and again, while others are served.
 *
 * @param begin what each sends first
 * @param step what each does in each round
 */
async function withSlowClients(
  node: NodeProcess,
  begin: string,
  step: (client: RawClient) => Promise<unknown>,
): Promise<void> {
  await post(`${node.url}/invoke/small`, {});
  const before = { descriptors: descriptors(node), mib: residentMib(node) };
  await using stack = new AsyncDisposableStack();
  const port = Number(new URL(node.url).port);
  const clients = await Promise.all(
    Array.from({ length: clientCount }, async () => stack.use(await RawClient.open(port, begin))),
  );
  const rounds: Promise<unknown>[] = [];
  for (let round = 0; round < 5; round++) {
    // Not waited for: a client whose turn has not come gets nothing yet.
    rounds.push(...clients.map(step));
    for (let call = 0; call < 10; call++) {
      const { status, body } = await post(`${node.url}/invoke/small`, {});
      assert.deepEqual([status, body.Result], [200, "1"], JSON.stringify(body));
    }
    const growth = residentMib(node) - before.mib;
    assert.ok(growth < maxGrowthMib, `${growth} MiB more`);
  }
  assert.ok(descriptors(node) >= before.descriptors + clientCount / 2, "they are connected");
  await stack.disposeAsync();
  await Promise.all(rounds);
  await eventually("nothing is left of them", async () => {
    const { Running, QueueLength } = (await get(`${node.url}/status`)).body;
    // Connections that are kept for this test's own calls, and those of other instances.
    return Running === 0 && QueueLength === 0 && descriptors(node) <= before.descriptors + 16;
  });
}

Deno.test("a node serves others in spite of 200 clients that receive or send a KiB at a time", async (t) => {
  await using node = await withFunctions();
  const host = "HTTP/1.1\r\nHost: localhost\r\n";
  const take = ({ conn }: RawClient) => conn.read(new Uint8Array(1024)).catch(() => null);
  await t.step("long responses", () => withSlowClients(node, `GET /fn/long ${host}\r\n`, take));
  await t.step("streams", () => withSlowClients(node, `GET /fn/endless ${host}\r\n`, take));
  await t.step("bodies", () =>
    withSlowClients(
      node,
      `POST /fn/small ${host}Content-Length: ${1 << 20}\r\n\r\n`,
      (client) => client.send("x".repeat(1024)).catch(() => {}),
    ));
});

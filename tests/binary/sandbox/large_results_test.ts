import assert from "node:assert/strict";
import { code, get, post } from "../../support/client.ts";
import { type NodeProcess, startNodeProcess } from "../../support/node.ts";

const mib = 1 << 20;

/** Returns long things by name; they are made once, so that its calls take little but their way. */
const source = `
const mib = 1 << 20;
const objects = Array.from({ length: 2 * mib }, () => ({}));
const made = {
  quotes: '"'.repeat(3 * mib),
  objects,
  controls: "\\u0001".repeat(mib),
  characters: "\\u00e9\\u{1f600}".repeat(mib),
  page: { statusCode: 201, headers: { "x-a": "b" }, body: '"'.repeat(2 * mib) },
  binary: { statusCode: 200, isBase64Encoded: true, body: "AAEC".repeat(2 * mib) },
  json: { statusCode: 200, body: objects },
  tooLong: "x".repeat(17 * mib),
  far: "x".repeat(60 * mib),
};
export default ({ name, query, body, isBase64Encoded }) => {
  if (body) return [body.length, isBase64Encoded, body.slice(-9)];
  return made[name ?? query?.name] ?? "short";
};
`;

async function startWithFunction(config: object = {}): Promise<NodeProcess> {
  const node = await startNodeProcess({
    config: { "container.pool.memory": 2048, "api.result.max": 16, ...config },
  });
  const { status, body } = await post(`${node.url}/create`, {
    Name: "f",
    Runtime: "deno",
    MemoryMB: 1024,
    Handler: "main.js",
    TarFunctionCode: await code({ "main.js": source }),
  });
  assert.equal(status, 200, JSON.stringify(body));
  await post(`${node.url}/invoke/f`, { Params: { name: "quotes" } });
  return node;
}

/** Waits for an answer, and counts how often another client is answered meanwhile. */
async function pingsDuring<T>(node: NodeProcess, answer: Promise<T>): Promise<[T, number]> {
  let isOver = false;
  void answer.finally(() => isOver = true).catch(() => {});
  let pings = 0;
  while (!isOver) {
    assert.equal((await get(`${node.url}/healthz`)).status, 200);
    pings++;
  }
  return [await answer, pings];
}

Deno.test("long results of sandboxes are complete and block no other request, in the binary", async (t) => {
  await using node = await startWithFunction();
  const invoke = (name: string) => post(`${node.url}/invoke/f`, { Params: { name } });
  const page = async (name: string) => {
    const answer = await fetch(`${node.url}/fn/f/?name=${name}`);
    return { answer, bytes: await answer.bytes() };
  };

  await t.step("reports contain what the function returned", async () => {
    const wanted = {
      quotes: '"'.repeat(3 * mib),
      controls: "\u0001".repeat(mib),
      characters: "\u00e9\u{1f600}".repeat(mib),
    };
    for (const [name, text] of Object.entries(wanted)) {
      const [{ status, body }, pings] = await pingsDuring(node, invoke(name));
      assert.equal(status, 200, name);
      assert.ok(JSON.parse(body.Result) === text, name);
      // A client that parses in this process counts for little: it is the node that must answer.
      assert.ok(pings >= 5, `${name}: ${pings} answers meanwhile`);
    }
  });

  await t.step("HTTP responses have exactly the function's bytes", async () => {
    const quotes = await page("quotes");
    assert.equal(quotes.answer.headers.get("content-type"), "text/plain; charset=UTF-8");
    assert.ok(quotes.bytes.length === 3 * mib && quotes.bytes.every((byte) => byte === 0x22));
    const [objects, pings] = await pingsDuring(node, page("objects"));
    assert.equal(objects.answer.headers.get("content-type"), "application/json");
    assert.equal(objects.bytes.length, 6 * mib + 1);
    // It is scanned in more than 40 slices; parsed at once, it would let one or two in between.
    assert.ok(pings >= 10, `${pings} answers meanwhile`);
    const explicit = await page("page");
    assert.deepEqual([explicit.answer.status, explicit.answer.headers.get("x-a")], [201, "b"]);
    assert.ok(explicit.bytes.length === 2 * mib && explicit.bytes.every((byte) => byte === 0x22));
    const binary = await page("binary");
    assert.equal(binary.answer.headers.get("content-type"), "application/octet-stream");
    assert.ok(binary.bytes.length === 6 * mib);
    assert.ok(binary.bytes.every((byte, at) => byte === at % 3));
    assert.equal((await page("json")).bytes.length, 6 * mib + 1);
  });

  await t.step("an event has the whole of a long body", async () => {
    for (
      const [type, bytes, text] of [
        ["text/plain", new Uint8Array(5 * mib).fill(0x22), '"""""""""'],
        ["image/png", new Uint8Array(3 * mib).fill(0xff), "/////////"],
      ] as const
    ) {
      const headers = { "content-type": type };
      const answer = await fetch(`${node.url}/fn/f`, { method: "POST", headers, body: bytes });
      const isBase64 = type === "image/png";
      assert.deepEqual(await answer.json(), [isBase64 ? 4 * mib : 5 * mib, isBase64, text]);
    }
  });

  await t.step("a result that is too long fails only its call, and names the key", async () => {
    for (const name of ["tooLong", "far", "tooLong"]) {
      const { status, body } = await invoke(name);
      assert.equal(status, 500, JSON.stringify(body).slice(0, 200));
      assert.match(body.message, /ResultTooLarge: .*longer than 16 MiB.*api\.result\.max/);
      const next = await invoke("none");
      assert.deepEqual([next.body.Result, next.body.IsWarmStart], ['"short"', true]);
    }
  });
});

Deno.test("a result may be as long as `api.result.max` allows, in the binary", async () => {
  await using node = await startWithFunction({ "api.result.max": 20 });
  const { status, body } = await post(`${node.url}/invoke/f`, { Params: { name: "tooLong" } });
  assert.deepEqual([status, body.Result.length], [200, 17 * mib + 2]);
});

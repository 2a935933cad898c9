import assert from "node:assert/strict";
import { code, get, post, python } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";

const mib = 1 << 20;
/** As long as a body may be by default. */
const largest = 6 * mib;
/** Memory for bodies in this test, MiB: two of the largest fit, as each is counted twice. */
const budgetMib = 32;
/** Growth of a process that is no fault of bodies: garbage, code, buffers of connections. */
const slackMib = 128;

const sleeper = `
import time
def f(params, context):
    time.sleep(params.get("sleep", 0))
    return len(params.get("x", ""))
`;

/** A body of the largest size; what it repeats is within its params, in a list or in a text. */
function body(before: string, piece: string, after: string, { sleep = 0, more = "" } = {}) {
  const head = `{"Params":{"sleep":${sleep},"x":${before}`;
  const tail = `${after}}${more}}`;
  const pieceBytes = new TextEncoder().encode(piece).length;
  const count = Math.floor((largest - head.length - tail.length) / pieceBytes);
  return new TextEncoder().encode(head + piece.repeat(count) + tail);
}

/** What is slow to parse, or becomes large. */
const bodies = {
  "empty objects": body("[", "{},", "0]"),
  "nested lists": body("[", `${"[".repeat(1000)}${"]".repeat(1000)},`, "0]"),
  "digits": body("[", "1234567890,", "0]"),
  "escapes": body('"', "\\u00e9\\n", '"'),
  "text that is not ASCII": body('"', "\u00e9", '"'),
};

async function send(url: string, body: BodyInit): Promise<{ status: number; text: string }> {
  const answer = await fetch(url, { method: "POST", body });
  return { status: answer.status, text: await answer.text() };
}

async function residentMib(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
}

Deno.test("large bodies block no other request and use no more than the reserved memory, in the binary", async (t) => {
  await using node = await startNodeProcess({
    config: { "container.pool.memory": 256, "code.max": 8, "api.bodies.memory": budgetMib },
  });
  const created = await post(`${node.url}/create`, await python("f", sleeper, { MemoryMB: 200 }));
  assert.equal(created.status, 200, JSON.stringify(created.body));
  assert.equal((await post(`${node.url}/invoke/f`, { Params: {} })).status, 200);
  const before = await residentMib(node.pid);
  let highest = before;

  /** Sends twelve at once, and counts how often another client is answered meanwhile. */
  const storm = async (url: string, body: Uint8Array<ArrayBuffer>) => {
    let isOver = false;
    const answers = Promise.all(Array.from({ length: 12 }, () => send(url, body)))
      .finally(() => isOver = true);
    let pings = 0;
    while (!isOver) {
      assert.equal((await get(`${node.url}/healthz`)).status, 200);
      pings++;
      highest = Math.max(highest, await residentMib(node.pid));
    }
    return { answers: await answers, pings };
  };

  await t.step("bodies for an unknown function are not read", async () => {
    const { answers } = await storm(`${node.url}/invoke/none`, bodies["empty objects"]);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([404]));
  });

  await t.step("other requests are served while large bodies are scanned", async () => {
    for (const [name, bytes] of Object.entries(bodies)) {
      let scanned = 0;
      let pings = 0;
      // Those for which there is no room are refused; how many is a matter of chance.
      while (scanned < 1) {
        const round = await storm(`${node.url}/invoke/f`, bytes);
        for (const { status, text } of round.answers) {
          if (status !== 429) {
            // The executor itself may find it too large or too deep.
            assert.ok([200, 500, 502].includes(status), `${name}: ${status} ${text}`);
            scanned++;
          } else assert.match(text, /NODE_SATURATED.*api\.bodies\.memory/);
        }
        pings += round.pings;
      }
      // Each is scanned in 24 slices; parsed at once, it would let one or two others in between.
      assert.ok(pings >= 5 * scanned, `${name}: ${pings} answers next to ${scanned} bodies`);
    }
  });

  await t.step("waiting requests hold their memory until the response, and no longer", async () => {
    const waiting = body("[", "12345678,", "0]", { sleep: 0.5 });
    const all = await storm(`${node.url}/invoke/f`, waiting);
    const statuses = all.answers.map(({ status }) => status);
    assert.ok(statuses.filter((status) => status === 429).length >= 8, String(statuses));
    assert.equal((await send(`${node.url}/invoke/f`, bodies.digits)).status, 200);
    const plain = await fetch(`${node.url}/fn/f/`, { method: "POST", body: bodies.digits });
    assert.equal(plain.status, 200);
    await plain.body?.cancel();
  });

  await t.step("asynchronous invocations hold their memory, too", async () => {
    const asynchronous = body("[", "12345678,", "0]", { sleep: 1, more: ',"Async":true' });
    const asked = [];
    for (let i = 0; i < 4; i++) asked.push(await send(`${node.url}/invoke/f`, asynchronous));
    assert.deepEqual(asked.map(({ status }) => status), [200, 200, 429, 429]);
    await eventually(
      "there is room again",
      async () => (await send(`${node.url}/invoke/f`, asynchronous)).status === 200,
    );
  });

  await t.step("clients that disconnect release the memory", async () => {
    await eventually(
      "nothing runs",
      async () => (await get(`${node.url}/status`)).body.Running === 0,
    );
    for (let round = 0; round < 2; round++) {
      const leave = new AbortController();
      const left = Array.from({ length: 2 }, () =>
        fetch(`${node.url}/invoke/f`, {
          method: "POST",
          body: body("[", "12345678,", "0]", { sleep: 30 }),
          signal: leave.signal,
        }).catch(() => "left"));
      await eventually(
        "one of them runs",
        async () => (await get(`${node.url}/status`)).body.Running === 1,
      );
      leave.abort();
      assert.deepEqual(await Promise.all(left), ["left", "left"]);
      await eventually(
        "nothing runs",
        async () => (await get(`${node.url}/status`)).body.Running === 0,
      );
    }
    assert.equal((await send(`${node.url}/invoke/f`, bodies.digits)).status, 200);
  });

  await t.step("a body that is too large is rejected with the key to raise", async () => {
    const { status, text } = await send(`${node.url}/invoke/f`, new Uint8Array(largest + 1));
    assert.equal(status, 413);
    assert.match(text, /larger than 6 MiB.*api\.body\.max/);
    // Code has a bound of its own.
    const more = await code({ "more.txt": "x".repeat(largest) });
    const upload = await post(`${node.url}/create`, {
      ...await python("g", sleeper) as object,
      TarFunctionCode: more,
    });
    assert.equal(upload.status, 413, JSON.stringify(upload.body));
    assert.match(upload.body.message, /code\.max/);
  });

  await t.step("a request with many values is not a definition", async () => {
    const values = new TextEncoder().encode(`[${"{},".repeat(mib)}0]`);
    const { status, text } = await send(`${node.url}/create`, values);
    assert.equal(status, 400);
    assert.match(text, /more than 10000 values/);
  });

  assert.ok(
    highest - before < budgetMib + slackMib,
    `The node has grown from ${before.toFixed()} to ${highest.toFixed()} MiB`,
  );
});

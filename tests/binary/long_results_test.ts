import assert from "node:assert/strict";
import { code, get, post } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { RawClient } from "../support/network/raw_client.ts";
import { longestTurn, maxTurnMs } from "../support/turns.ts";

const mib = 1 << 20;
const length = 28 * mib;

/** Bytes that two characters of the function's text take in a report, where they are quoted twice. */
const bytesOfTwo = 5;

/** Returns a text with what JSON has to escape, and another time the length of what it got. */
const source = `
export const text = (params) => "\\u00e9\\n".repeat(params.length / 2);
export default { fetch: async (request) => new Response(String((await request.text()).length)) };
`;

Deno.test("long results and bodies hold nobody up, in the binary", async (t) => {
  await using node = await startNodeProcess({ config: { "container.pool.memory": 1024 } });
  const create = async (Name: string, Handler: string) => {
    const TarFunctionCode = await code({ "main.js": source });
    const fields = { Name, Runtime: "deno", MemoryMB: 900, Handler, TarFunctionCode };
    const { status, body } = await post(`${node.url}/create`, fields);
    assert.equal(status, 200, JSON.stringify(body));
  };
  const notHeldUp = async <T>(work: () => Promise<T>): Promise<T> => {
    const { result, longestMs } = await longestTurn(node, work);
    assert.ok(longestMs < maxTurnMs, `${longestMs.toFixed()} ms of its thread between two answers`);
    return result;
  };
  const isRight = (result: string) => result === JSON.stringify("\u00e9\n".repeat(length / 8));

  await create("text", "main.text");
  const Params = { length: length / 4 };

  await t.step("others are answered while one is returned", async () => {
    const text = await notHeldUp(async () =>
      await (await fetch(`${node.url}/invoke/text`, {
        method: "POST",
        body: JSON.stringify({ Params }),
      })).text()
    );
    assert.ok(isRight(JSON.parse(text).Result), text.slice(0, 300));
  });

  await t.step("others are answered while one is stored, and read back", async () => {
    const { body } = await post(`${node.url}/invoke/text`, { Params, Async: true });
    const poll = async () => await (await fetch(`${node.url}/poll/${body.ReqId}`)).text();
    const text = await notHeldUp(async () => {
      let text = "";
      await eventually("it has ended", async () => (text = await poll()).length > 1000);
      await poll();
      return text;
    });
    assert.ok(isRight(JSON.parse(text).Result), text.slice(0, 300));
    assert.equal(text, await poll());
  });

  await t.step(
    "others are answered while a function gets bodies of 6 MiB by plain HTTP",
    async () => {
      await create("length", "main");
      const text = `"\u00e9"\n`.repeat(6 * mib / 5 - 1);
      const bytes = crypto.getRandomValues(new Uint8Array(1 << 16));
      for (const [type, body] of [["text/plain", text], ["image/png", bytes]] as const) {
        const sent = typeof body === "string"
          ? body
          : new Uint8Array(6 * mib).map((_, at) => body[at % body.length]!);
        const answer = await notHeldUp(async () => {
          const headers = { "content-type": type };
          const answer = await fetch(`${node.url}/fn/length`, {
            method: "POST",
            body: sent,
            headers,
          });
          return await answer.text();
        });
        if (typeof body === "string") assert.equal(Number(answer), text.length);
        else assert.ok(Number(answer) > mib, answer);
      }
      assert.equal((await get(`${node.url}/healthz`)).status, 200);
    },
  );
});

Deno.test("results that clients do not take are booked, and given back when they leave, in the binary", async () => {
  const config = { "container.pool.memory": 1024, "api.bodies.memory": 32, "code.max": 1 };
  await using node = await startNodeProcess({ config });
  const TarFunctionCode = await code({ "main.js": source });
  const fields = { Name: "text", Runtime: "deno", MemoryMB: 256, Handler: "main.text" };
  await post(`${node.url}/create`, { ...fields, TarFunctionCode });
  const request = JSON.stringify({ Params: { length: 2 * 14 * mib / bytesOfTwo } });
  const invoke = () => fetch(`${node.url}/invoke/text`, { method: "POST", body: request });
  {
    const head =
      `POST /invoke/text HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${request.length}\r\n`;
    const open = () => RawClient.open(Number(new URL(node.url).port), `${head}\r\n${request}`);
    using first = await open();
    assert.match(await first.until("\r\n"), / 200 /);
    using second = await open();
    assert.match(await second.until("\r\n"), / 200 /);
    const refused = await invoke();
    const error = await refused.json();
    assert.deepEqual([refused.status, error.code], [500, "FUNCTION_ERROR"]);
    assert.match(error.message, /no room: .* of 32 MiB.*api\.bodies\.memory/);
  }
  await eventually("there is room again", async () => {
    const answer = await invoke();
    await answer.body?.cancel();
    return answer.status === 200;
  });
});

import assert from "node:assert/strict";
import { type Answer, code, get, post } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startEtcd } from "../support/etcd.ts";
import { type NodeProcess, startNodeProcess } from "../support/node.ts";
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

/** A call whose result takes 14 MiB in a report, and that result. */
const middling = { Params: { length: 2 * Math.floor(14 * mib / bytesOfTwo) } };
const middlingText = JSON.stringify("\u00e9\n".repeat(middling.Params.length / 2));
/** A node with room for two of these. */
const smallRoom = { "container.pool.memory": 1024, "api.bodies.memory": 32, "code.max": 1 };
/** Growth of a process that is no fault of results: garbage, code, buffers of connections. */
const slackMib = 64;

async function create(
  node: NodeProcess,
  Name: string,
  Handler: string,
  MemoryMB: number,
): Promise<void> {
  const TarFunctionCode = await code({ "main.js": source });
  const fields = { Name, Runtime: "deno", MemoryMB, Handler, TarFunctionCode };
  const { status, body } = await post(`${node.url}/create`, fields);
  assert.equal(status, 200, JSON.stringify(body));
}

Deno.test("long results and bodies block no other request, in the binary", async (t) => {
  await using node = await startNodeProcess({ config: { "container.pool.memory": 1024 } });
  const notHeldUp = async <T>(work: () => Promise<T>): Promise<T> => {
    const { result, longestMs } = await longestTurn(node, work);
    assert.ok(longestMs < maxTurnMs, `${longestMs.toFixed()} ms of its thread before an answer`);
    return result;
  };
  const isRight = (result: string) => result === JSON.stringify("\u00e9\n".repeat(length / 8));

  await create(node, "text", "main.text", 900);
  const Params = { length: length / 4 };

  await t.step("other requests are served while a long result is returned", async () => {
    const text = await notHeldUp(async () =>
      await (await fetch(`${node.url}/invoke/text`, {
        method: "POST",
        body: JSON.stringify({ Params }),
      })).text()
    );
    assert.ok(isRight(JSON.parse(text).Result), text.slice(0, 300));
  });

  await t.step("other requests are served while a long result is stored and read", async () => {
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
    "other requests are served while a function receives bodies of 6 MiB over plain HTTP",
    async () => {
      await create(node, "length", "main", 900);
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

Deno.test("other requests are served while a long result waits for etcd, in the binary", async () => {
  await using etcd = await startEtcd();
  await using node = await startNodeProcess({
    config: { "container.pool.memory": 1024, "etcd.address": etcd.endpoint },
  });
  await create(node, "text", "main.text", 900);
  await post(`${node.url}/invoke/text`, { Params: { length: 2 } });
  await etcd.kill();
  const Params = { length: length / 4 };
  const { body: { ReqId } } = await post(`${node.url}/invoke/text`, { Params, Async: true });
  const problems = async () => String((await get(`${node.url}/healthz`)).body.Problems);
  const { longestMs } = await longestTurn(node, async () => {
    await eventually("it is kept", async () => {
      const answer = await fetch(`${node.url}/poll/${ReqId}`);
      await answer.body?.cancel();
      return answer.status === 200;
    });
    await etcd.restart();
    await eventually("etcd has it", async () => !/results:/.test(await problems()));
  });
  assert.ok(longestMs < maxTurnMs, `${longestMs.toFixed()} ms of its thread before an answer`);
  const { body } = await get(`${node.url}/poll/${ReqId}`);
  assert.equal(body.Result, JSON.stringify("\u00e9\n".repeat(length / 8)));
});

Deno.test("results that arrive together use no more than their reserved memory, in the binary", async (t) => {
  await using node = await startNodeProcess({ config: smallRoom });
  await create(node, "text", "main.text", 110);

  /** What six calls at once came to: lengths of results, or why there is none. */
  const outcomes = (call: () => Promise<{ Result?: string; error?: string }>) =>
    longestTurn(node, () =>
      Promise.all(Array.from({ length: 6 }, async () => {
        const { Result, error } = await call();
        return Result ? Result.length : error;
      })));

  const called = async () => {
    const { body } = await post(`${node.url}/invoke/text`, middling);
    return { Result: body.Result, error: body.error?.type };
  };
  const polled = async () => {
    const { body: { ReqId } } = await post(`${node.url}/invoke/text`, { ...middling, Async: true });
    let last: Answer;
    await eventually("it has ended", async () => {
      last = await get(`${node.url}/poll/${ReqId}`);
      // Reading it back may have to wait for room.
      return last.status !== 202 && last.status !== 429;
    });
    const { Result, Details } = last!.body;
    return { Result, error: Details?.error.type };
  };

  for (const [name, call] of Object.entries({ called, polled })) {
    await t.step(name, async () => {
      const { result, grownMib } = await outcomes(call);
      const taken = result.filter((one) => one === middlingText.length).length;
      const refused = result.filter((one) => one === "NoRoomForResult").length;
      assert.equal(taken + refused, 6, String(result));
      assert.ok(taken > 0 && refused > 0, String(result));
      assert.ok(grownMib < 32 + slackMib, `it has grown by ${grownMib.toFixed()} MiB`);
      await eventually("all memory is given back", async () => {
        const answers = await Promise.all([call(), call()]);
        return answers.every(({ Result }) => Result === middlingText);
      });
    });
  }
});

Deno.test("results of slow clients stay reserved, and are released when the clients disconnect, in the binary", async () => {
  await using node = await startNodeProcess({ config: smallRoom });
  await create(node, "text", "main.text", 256);
  const request = JSON.stringify(middling);
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
    assert.match(error.message, /not available: .* of 32 MiB.*api\.bodies\.memory/);
  }
  await eventually("there is room again", async () => {
    const answer = await invoke();
    await answer.body?.cancel();
    return answer.status === 200;
  });
});

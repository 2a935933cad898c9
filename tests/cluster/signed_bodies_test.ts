import assert from "node:assert/strict";
import { code, post } from "../support/client.ts";
import { aimsAt, Continuum, knows } from "../support/continuum.ts";
import { longestTurn, maxTurnMs } from "../support/turns.ts";

const length = 24 << 20;

/** Says where it ran and what it got; a long response if it is asked for one. */
const measure = `
export default {
  async fetch(request) {
    const bytes = await request.bytes();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    const body = new URL(request.url).searchParams.has("echo") ? bytes : hash;
    return new Response(body, { headers: { "x-length": String(bytes.length) } });
  },
};
`;

Deno.test("long bodies are signed from the edge through a balancer to a node, and block no other request", async () => {
  await using world = await Continuum.start();
  const room = { "container.pool.memory": 1024, "api.body.max": 64 };
  const [edge, lb, cloud] = await Promise.all([
    world.join("edge", "EDGE", { ...room, "scheduler.policy": "cloudonly" }),
    world.join("lb", "CLOUD", {}, { command: "lb" }),
    world.join("cloud", "CLOUD", room),
  ]);
  await aimsAt(edge, [lb]);
  const definition = { Name: "f", Runtime: "deno", MemoryMB: 512, Handler: "main.js" };
  const TarFunctionCode = await code({ "main.js": measure });
  await post(`${edge.url}/create`, { ...definition, TarFunctionCode });
  await knows(cloud, "f");
  const bytes = new Uint8Array(length).map((_, at) => at * 31 + (at >> 9));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const send = async (query = "") => {
    const answer = await fetch(`${edge.url}/fn/f${query}`, { method: "POST", body: bytes });
    assert.equal(answer.status, 200, await (answer.ok ? "" : answer.text()));
    assert.equal(answer.headers.get("x-length"), String(length));
    return await answer.bytes();
  };
  await send();
  for (const node of [edge, lb, cloud]) {
    const { result, longestMs } = await longestTurn(node, send);
    assert.equal(new TextDecoder().decode(result), hash);
    assert(longestMs < maxTurnMs, `${node.id} took ${longestMs} ms`);
  }
  assert.deepEqual(await send("?echo"), bytes);
  const places = (await world.audit()).filter(({ place }) => place === "local");
  assert.deepEqual(new Set(places.map(({ node }) => node)), new Set([cloud.id]));
});

import assert from "node:assert/strict";
import { code, get, post } from "../support/client.ts";
import { Continuum, invoke, knows, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

Deno.test("a balancer that shuts down serves requests until its registration has disappeared everywhere", async () => {
  await using world = await Continuum.start();
  const [lb, node] = await Promise.all([
    world.join("lb", "CLOUD", {}, { command: "lb" }),
    world.join("node", "CLOUD"),
  ]);
  await sees(node, [lb]);
  await post(`${node.url}/create`, {
    Name: "f",
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main",
    TarFunctionCode: await code({ "main.js": "module.exports = () => 1;" }),
  });
  await knows(node, "f");
  await eventually("it forwards", async () => (await invoke(lb)).status === 200);
  const stopped = lb.stop();
  await eventually("it stops", async () => (await get(`${lb.url}/healthz`)).status === 503);
  await sees(node, []);
  // On a connection of its own each: a kept one would be served by any graceful end.
  for (let k = 0; k < 3; k++) {
    const client = Deno.createHttpClient({});
    const answer = await fetch(`${lb.url}/invoke/f`, { method: "POST", client });
    assert.equal(answer.status, 200, await answer.text());
    client.close();
  }
  assert.equal(await stopped, 0);
});

/**
 * Keep-alive by demand in a real node. What it learns takes minutes, and is tested with the pool under
 * a manual clock; here it must carry its windows out and count.
 *
 * @module
 */

import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";

Deno.test("a node with the keep-alive policy histogram expires instances and counts them", async () => {
  await using node = await startNodeProcess({
    config: {
      "container.keepalive": "histogram",
      "container.expiration": 0.3,
      "janitor.interval": 0.1,
    },
  });
  const metric = async (name: string) => {
    const text = await (await fetch(`${node.url}/metrics`)).text();
    return Number(new RegExp(`^${name}{function="f"} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  };
  await post(`${node.url}/create`, await python("f", "def f(params, context): return 1"));
  for (const expected of [1, 2]) {
    const { status, body } = await post(`${node.url}/invoke/f`, {});
    assert.deepEqual([status, body.IsWarmStart], [200, false], JSON.stringify(body));
    await eventually(
      "its instance has expired",
      async () => await metric("serverledge_expired_total") === expected,
    );
  }
  await eventually(
    "its memory is free",
    async () => (await get(`${node.url}/status`)).body.Instances.length === 0,
  );
  assert.equal(await metric("serverledge_prewarm_starts_total"), 0, "it knows too little");
});

import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import {
  aimsAt,
  becomesIdle,
  clears,
  Continuum,
  invoke,
  knows,
  type Member,
  runs,
  sees,
  sleeper,
} from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

/** Occupies the only instance of a node for a while. */
async function occupied(
  node: Member,
  seconds: number,
): Promise<Disposable & { end: Promise<void> }> {
  const answer = invoke(node, { sleep: seconds }, { CanDoOffloading: false });
  await runs(node, 1);
  const end = answer.then(({ body }) =>
    assert.equal(body.ExecutionNode, node.id, JSON.stringify(body))
  );
  return { end, [Symbol.dispose]: () => void end.catch(() => {}) };
}

/** Sends back what it gets, with the status that the query wants, and says where it ran. */
const echo = `
def f(params, context):
    return {
        "statusCode": int(params["query"].get("status", 200)),
        "headers": {"content-type": "application/octet-stream", "x-node": context["node"]},
        "body": params["body"],
        "isBase64Encoded": True,
    }
`;

/** Uses the function over plain HTTP. */
async function page({ url }: Member, body: Uint8Array<ArrayBuffer>, query = "") {
  const headers = { "content-type": "application/octet-stream" };
  const answer = await fetch(`${url}/fn/echo/x${query}`, { method: "POST", body, headers });
  const { status } = answer;
  return { status, node: answer.headers.get("x-node"), bytes: await answer.bytes() };
}

Deno.test("an edge node and a region behind its balancers", async (t) => {
  await using world = await Continuum.start();
  const [edge, lb, one, two] = await Promise.all([
    world.join("edge", "EDGE", { "scheduler.policy": "edgecloud" }),
    world.join("lb-1", "CLOUD", {}, { command: "lb" }),
    // A full one says so at once.
    world.join("cloud-1", "CLOUD", { "scheduler.queue.capacity": 0 }),
    world.join("cloud-2", "CLOUD", { "scheduler.queue.capacity": 0 }),
  ]);
  await sees(edge, [one, two, lb]);
  await aimsAt(edge, [lb]);
  await post(`${edge.url}/create`, await python("f", sleeper));
  await post(`${edge.url}/create`, await python("echo", echo));
  for (const member of [one, two]) for (const name of ["f", "echo"]) await knows(member, name);
  await invoke(edge);

  await t.step("a busy node offloads through the balancer", async () => {
    using busy = await occupied(edge, 1.5);
    const { status, body } = await invoke(edge);
    assert.deepEqual([status, body.ExecutionArea], [200, "CLOUD"], JSON.stringify(body));
    await busy.end;
  });

  await t.step("a forwarded response names the node that ran the function", async () => {
    for (const path of ["policy", "nodes"]) {
      const { body } = await get(`${lb.url}/${path}`);
      assert([one.id, two.id].includes(body.Node), `${path}: ${body.Node}`);
    }
  });

  await t.step(
    "over plain HTTP: unchanged both ways, and a 429 of the function is its response",
    async () => {
      using busy = await occupied(edge, 5);
      const bytes = new Uint8Array(3 << 20).map((_, at) => at * 7);
      for (
        const [body, query, status] of [[bytes, "", 200], [bytes, "?status=429", 429]] as const
      ) {
        const answer = await page(edge, body, query);
        assert(answer.node === one.id || answer.node === two.id, `${answer.node}`);
        assert.equal(answer.status, status);
        assert.deepEqual(answer.bytes, body);
      }
      const ran = (await world.audit()).filter(({ place, ...written }) =>
        place === "local" && written.function === "echo"
      );
      assert.equal(ran.length, 2);
      await busy.end;
    },
  );

  await t.step(
    "asynchronous invocations through the balancer can be polled at every node and balancer",
    async () => {
      using busy = await occupied(edge, 1);
      const { body: { ReqId: id } } = await invoke(edge, {}, { Async: true });
      for (const entry of [edge, lb, one, two]) {
        await eventually(
          `${entry.id} has the result`,
          async () => (await get(`${entry.url}/poll/${id}`)).status === 200,
        );
        assert.equal((await get(`${entry.url}/poll/${id}`)).body.ExecutionArea, "CLOUD");
      }
      await busy.end;
    },
  );

  await t.step("two balancers, the region full: the edge runs the request itself", async () => {
    const second = await world.join("lb-2", "CLOUD", {}, { command: "lb" });
    await aimsAt(edge, [lb, second]);
    using busy = await occupied(edge, 1.5);
    using full = await occupied(one, 2);
    using fullToo = await occupied(two, 2);
    const bytes = new Uint8Array([1, 2, 3]);
    const [{ status, body }, answer] = await Promise.all([invoke(edge), page(edge, bytes)]);
    assert.deepEqual([status, body.ExecutionNode], [200, edge.id], JSON.stringify(body));
    assert.deepEqual(answer, { status: 200, node: edge.id, bytes });
    await Promise.all([busy.end, full.end, fullToo.end]);
    await second.stop();
    await aimsAt(edge, [lb]);
  });

  await t.step("the balancer dies: nodes of the region are asked directly", async () => {
    using busy = await occupied(edge, 1.5);
    await lb.kill();
    const { status, body } = await invoke(edge);
    assert.deepEqual([status, body.ExecutionArea], [200, "CLOUD"], JSON.stringify(body));
    await aimsAt(edge, [one, two]);
    await busy.end;
  });

  await t.step("a balancer that is back is used again", async () => {
    await world.join("lb-1", "CLOUD", {}, { command: "lb" });
    await aimsAt(edge, [lb]);
    using busy = await occupied(edge, 1);
    assert.equal((await invoke(edge)).body.ExecutionArea, "CLOUD");
    await busy.end;
  });

  await t.step("the ledgers agree and are empty", async () => {
    for (const member of [edge, one, two]) await becomesIdle(member);
    for (const name of ["f", "echo"]) await post(`${edge.url}/delete`, { Name: name });
    for (const member of [edge, one, two]) await clears(member, "f");
    const written = await world.audit();
    const away = written.filter(({ place, outcome }) => place === "cloud" && outcome === "OK");
    assert(away.length >= 4);
    for (const { id } of away) {
      assert(written.some((each) => each.id === id && each.place === "local"), `${id} ran`);
    }
  });
});

/**
 * Where requests go when a node lacks the image of their function.
 *
 * @module
 */

import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import {
  becomesIdle,
  Continuum,
  invoke,
  knows,
  type Member,
  runs,
  sees,
  sleeper,
} from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { helloWasm } from "../support/functions/wasm.ts";

/** Nothing listens there: fetching it fails at once. */
const absent = "127.0.0.1:1/absent:1";

/** Waits until a node has received a new status of another. */
async function receivesStatus({ url }: Member, { id }: Member): Promise<void> {
  const since = performance.now();
  await eventually(`it has a status of ${id}`, async () => {
    const before = performance.now() - since;
    const { Nodes } = (await get(`${url}/nodes`)).body;
    const age = Nodes.find(({ Id }: { Id: string }) => Id === id)?.AgeMs;
    return typeof age === "number" && age < before;
  });
}

Deno.test("a request is not sent to a node that lacks its image while another node has it", async () => {
  await using world = await Continuum.start();
  const policy = { "scheduler.policy": "edgeonly" };
  const [me, having, lacking] = await Promise.all([
    world.join("me", "EDGE", policy),
    world.join("having", "EDGE", { ...policy, "container.pool.memory": 256 }),
    world.join("lacking", "EDGE", { ...policy, "container.pool.memory": 1024 }, {
      // Not in the file: the environment of the tests names an image that is there.
      args: ["--set", `runtimes.python.image=${absent}`],
    }),
  ]);
  await sees(me, [having, lacking]);
  await sees(lacking, [me, having]);
  await post(`${me.url}/create`, await python("f", sleeper));
  for (const node of [having, lacking]) await knows(node, "f");
  await eventually(
    "it knows what it lacks",
    async () => (await get(`${lacking.url}/status`)).body.MissingImages.includes("python"),
  );
  assert(!(await get(`${having.url}/status`)).body.MissingImages.includes("python"));
  const images = JSON.parse((await lacking.cli(["images"])).stdout).Images;
  const { Present, Functions } = images.find(({ Image }: { Image: string }) => Image === absent);
  assert.deepEqual([Present, Functions], [false, ["f"]]);

  // The one that has it is the fuller one: without the image nobody would choose it.
  const load = invoke(having, { sleep: 3 }, { CanDoOffloading: false });
  await runs(having, 1);
  const busy = invoke(me, { sleep: 3 }, { CanDoOffloading: false });
  await runs(me, 1);
  for (const node of [having, lacking]) await receivesStatus(me, node);
  for (let k = 0; k < 3; k++) {
    const { status, body } = await invoke(me);
    assert.deepEqual([status, body.ExecutionNode], [200, having.id], JSON.stringify(body));
  }

  // Asked itself, the one without sends it on, and says why it cannot where it must not.
  await receivesStatus(lacking, having);
  const { status, body } = await invoke(lacking);
  assert.deepEqual([status, body.ExecutionNode], [200, having.id], JSON.stringify(body));
  const refused = await invoke(lacking, {}, { CanDoOffloading: false });
  assert.equal(refused.body.code, "ENGINE_REFUSED");
  assert.match(refused.body.message, /runtimes\.python\.image/);
  await eventually(
    "it has tried to fetch it",
    () => lacking.log().includes("Cannot prefetch the image of"),
  );

  for (const answer of await Promise.all([load, busy])) assert.equal(answer.status, 200);
  for (const node of [me, having, lacking]) await becomesIdle(node);
  const ran = (await world.audit()).filter(({ place, outcome }) =>
    place === "local" && outcome === "OK"
  );
  assert(ran.every(({ node }) => node !== lacking.id));
});

Deno.test("a node without Docker gets no functions in containers, offloads its own, and runs the others", async () => {
  await using world = await Continuum.start();
  const policy = { "scheduler.policy": "edgeonly", "scheduler.queue.capacity": 10 };
  const [whole, bare] = await Promise.all([
    world.join("whole", "EDGE", { ...policy, "container.pool.memory": 64 }),
    world.join("bare", "EDGE", { ...policy, "container.pool.memory": 1024 }, {
      env: { DOCKER_HOST: "unix:///nowhere/docker.sock" },
    }),
  ]);
  await sees(whole, [bare]);
  await sees(bare, [whole]);
  await post(`${whole.url}/create`, await python("f", sleeper));
  assert.equal((await post(`${whole.url}/create`, await helloWasm("w"))).status, 200);
  for (const name of ["f", "w"]) await knows(bare, name);
  await eventually("it knows what it cannot run", async () => {
    const { Runtimes, MissingImages } = (await get(`${bare.url}/status`)).body;
    const usable = Runtimes.filter(({ Ok }: { Ok: boolean }) => Ok);
    return usable.length === 2 && MissingImages.includes("python");
  });
  await receivesStatus(whole, bare);
  await receivesStatus(bare, whole);

  const sent = await invoke(bare);
  assert.deepEqual([sent.status, sent.body.ExecutionNode], [200, whole.id]);
  const stays = await invoke(bare, {}, {}, "w");
  assert.deepEqual([stays.status, stays.body.ExecutionNode], [200, bare.id]);

  // Full as it is, and empty as the other one is.
  const busy = invoke(whole, { sleep: 1 });
  await runs(whole, 1);
  const waited = await invoke(whole);
  assert.deepEqual([waited.status, waited.body.ExecutionNode], [200, whole.id]);
  assert.equal((await busy).status, 200);
  for (const node of [whole, bare]) await becomesIdle(node);
});

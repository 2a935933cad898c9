/**
 * Nodes join, leave and crash, and etcd stops, comes back and loses its data, all under load. The
 * nodes are gateways of a cloud that the test plays, so that it sees each execution.
 *
 * @module
 */

import assert from "node:assert/strict";
import { sampleRecord } from "../contract/registry.ts";
import { get, post } from "../support/client.ts";
import { becomesIdle, Continuum, knows, type Member, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { FakePeer } from "../support/fakes/fake_peer.ts";
import { sampleReport } from "../support/fakes/fake_services.ts";

/** Who joins and leaves is random but the same each time. */
const seed = 20260131;
/** Nodes that join, and as many that leave. */
const joins = 50;
/** Most of them that are there at a time. */
const crowd = 4;
/** Clients, each with one request at a time. */
const clients = 3;
/** Response-time limit of requests, s, and how much later their answers may arrive here. */
const limitS = 10;
const graceS = 2;
/** One way to the cloud and its work, ms. */
const cloudMs = 20;

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
function randomFrom(state: number): () => number {
  return () => {
    state = (state + 0x6D2B79F5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One request and its end. */
interface Asked {
  readonly node: Member;
  /** `OK`, a code, or `BROKEN` where the connection broke. */
  readonly outcome: string;
  /** True if the node was being ended by then. */
  readonly left: boolean;
  /** How long the answer took, ms. */
  readonly tookMs: number;
}

/** Clients that ask whoever is there. */
class Load {
  readonly asked: Asked[] = [];
  /** Whom they may ask. */
  readonly live: Member[] = [];
  /** How many of the requests are async, 0 to 1. */
  asyncShare = 0;
  /** Async requests that were acknowledged and have not ended. */
  pending = 0;
  #stopped = false;
  readonly #random: () => number;
  readonly #clients: Promise<void>[];

  constructor(random: () => number, first: Member) {
    this.#random = random;
    this.live.push(first);
    this.#clients = Array.from({ length: clients }, () => this.#client(first));
  }

  /** Waits until so many more requests have ended. */
  async goesOn(count: number): Promise<void> {
    const target = this.asked.length + count;
    await eventually("requests end", () => this.asked.length >= target);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #client(first: Member): Promise<void> {
    while (!this.#stopped) {
      const isAsync = this.#random() < this.asyncShare;
      // What one node was asked asynchronously ends with that node if it crashes.
      const node = isAsync ? first : this.live[Math.floor(this.#random() * this.live.length)]!;
      const since = performance.now();
      const outcome = await (isAsync ? this.#later(node) : this.#now(node));
      const tookMs = isAsync ? 0 : performance.now() - since;
      this.asked.push({ node, outcome, left: !this.live.includes(node), tookMs });
    }
  }

  async #now({ url }: Member): Promise<string> {
    const request = { CanDoOffloading: true, QoSMaxRespT: limitS };
    const answer = await post(`${url}/invoke/f`, request).catch(() => undefined);
    return answer ? answer.status === 200 ? "OK" : answer.body.code : "BROKEN";
  }

  async #later({ url }: Member): Promise<string> {
    const accepted = await post(`${url}/invoke/f`, { CanDoOffloading: true, Async: true });
    if (accepted.status !== 200) return accepted.body.code;
    this.pending++;
    let result = await get(`${url}/poll/${accepted.body.ReqId}`);
    await eventually("what was acknowledged ends", async () => {
      if (result.status !== 200) result = await get(`${url}/poll/${accepted.body.ReqId}`);
      return result.status === 200;
    });
    this.pending--;
    return result.body.Success ? "OK" : result.body.Code;
  }
}

/** A cloud node that the test plays: whatever reaches it is executed. */
function cloudNode(id: string): FakePeer {
  return new FakePeer(id, async () => {
    await new Promise((resolve) => setTimeout(resolve, cloudMs));
    return Response.json({ ...sampleReport, ExecutionNode: id, ExecutionArea: "CLOUD" });
  });
}

Deno.test("a cluster in which everything changes", async (t) => {
  const random = randomFrom(seed);
  await using world = await Continuum.start();
  await using one = cloudNode("one");
  await using two = cloudNode("two");
  await using _one = world.registry.registerNode(one.record({ area: "CLOUD" }));
  await using _two = world.registry.registerNode(two.record({ area: "CLOUD" }));
  await world.registry.putFunction(sampleRecord("f", { memoryMib: 4096, cpu: 0 }));
  // This process plays the cloud and all clients: it may be late for a ping with the time of short rounds,
  // and a gateway that misses two of either cloud node has no cloud.
  const gateway = { "scheduler.policy": "cloudonly", "registry.nearby.interval": 0.5 };
  const core = await world.join("core", "EDGE", gateway);
  await knows(core, "f");
  await sees(core, [one, two]);
  const load = new Load(randomFrom(seed + 1), core);
  let cloudCrashes = 0;

  await t.step(`${joins} nodes join, leave and crash`, async () => {
    load.asyncShare = 0.2;
    const joined: Member[] = [];
    for (let k = 0; k < joins; k++) {
      let ending: Promise<unknown> | undefined;
      if (joined.length === crowd) {
        const [leaving] = joined.splice(Math.floor(random() * crowd), 1);
        const at = load.live.indexOf(leaving!);
        if (at >= 0) load.live.splice(at, 1);
        const crashes = random() < 0.5;
        if (crashes && leaving!.id.startsWith("cloud")) cloudCrashes++;
        ending = crashes ? leaving!.kill() : leaving!.stop();
      }
      // Some stand in the cloud, where requests find out that they are too small for them.
      const isCloud = k % 5 === 4 && !joined.some(({ id }) => id.startsWith("cloud"));
      const id = isCloud ? `cloud-${k}` : `edge-${k % (crowd + 1)}-${k % 2}`;
      const member = await world.join(
        joined.some((other) => other.id.startsWith(`${id}-`)) ? `${id}-${k}` : id,
        isCloud ? "CLOUD" : "EDGE",
        isCloud ? {} : gateway,
      );
      await ending;
      joined.push(member);
      if (!isCloud) load.live.push(member);
    }
    await sees(core, [...joined, one, two]);
    await load.goesOn(50);
  });

  const registered = async () =>
    (await world.etcd.ctl("get", "--prefix", "--keys-only", "/serverledge/v1/nodes/"))
      .trim().split(/\s+/).length;
  const present = crowd + 3;

  await t.step("etcd stops and comes back", async () => {
    // Results that are in etcd already cannot be read meanwhile.
    load.asyncShare = 0;
    await eventually("nothing is pending", () => load.pending === 0);
    await world.etcd.kill();
    load.asyncShare = 0.2;
    await load.goesOn(150);
    await eventually("etcd is missed", async () => {
      return (await get(`${core.url}/status`)).body.Registry.Ok === false;
    });
    await world.etcd.restart();
    await eventually("etcd is back", async () => {
      return (await get(`${core.url}/status`)).body.Registry.Ok === true;
    });
    await load.goesOn(50);
  });

  await t.step("etcd loses its data", async () => {
    // And with it what is known there of async invocations.
    load.asyncShare = 0;
    await eventually("nothing is pending", () => load.pending === 0);
    await world.etcd.restart({ wipe: true });
    await load.goesOn(100);
    await eventually("all are registered again", async () => await registered() === present);
    const newcomer = await world.join("newcomer", "EDGE", gateway);
    await knows(newcomer, "f");
    load.live.push(newcomer);
    load.asyncShare = 0.5;
    await load.goesOn(50);
  });

  await t.step("nothing ran twice, nothing was lost, the ledgers are empty", async () => {
    await load.stop();
    const executed = [...one.received, ...two.received];
    assert.equal(new Set(executed).size, executed.length, "nothing ran twice");
    // A gateway that ends takes its connections along, and of what a crashed cloud node had in its
    // hands nobody knows whether it ran. No other answer is excused.
    const failed = load.asked.filter(({ outcome, left }) => outcome !== "OK" && !left);
    assert(failed.every(({ outcome }) => outcome === "FUNCTION_CRASHED"), Deno.inspect(failed));
    assert(failed.length <= cloudCrashes * clients, `${failed.length} of ${cloudCrashes}`);
    const slowest = Math.max(...load.asked.map(({ tookMs }) => tookMs));
    assert(slowest < (limitS + graceS) * 1000, `an answer came after ${slowest} ms`);
    for (const node of load.live) await becomesIdle(node);
    await eventually("all is written down", () => {
      return world.written().filter(({ node }) => node === core.id).length >=
        load.asked.filter(({ node }) => node === core).length;
    });
    const ids = new Set(executed);
    for (const { id, outcome, place } of await world.audit()) {
      assert.notEqual(place, "local");
      if (outcome === "OK") assert(ids.has(id), `${id} was answered and never ran`);
    }
    const shares = [one, two].map(({ received }) => received.length);
    assert(shares.every((share) => share > executed.length / 10), `${shares}`);
  });
});

/**
 * A continuum on one machine: nodes and balancers in processes of their own around a real etcd, and
 * the rules that must hold for what they wrote down in the end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { randomId } from "../../lib/base/ids.ts";
import { connectEtcd } from "../../lib/registry/etcd/registry.ts";
import type { Registry } from "../../lib/registry/registry.ts";
import { type Answer, get, post } from "./client.ts";
import { startEtcd, type TestEtcd } from "./etcd.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./network/free_port.ts";
import { type NodeOptions, type NodeProcess, removeContainers, startNodeProcess } from "./node.ts";

/** Signs what the nodes of a continuum under test send each other. */
export const testSecret = "test secret";

/** What a node wrote down of one invocation. */
export interface Written {
  /** The node. */
  readonly node: string;
  readonly id: string;
  readonly function: string;
  readonly outcome: string;
  readonly class: string;
  readonly place: "local" | "edge" | "cloud" | "nowhere";
  readonly responseMs: number;
}

/** Who has an id. */
export interface Named {
  readonly id: string;
}

/** A node or balancer of a continuum. */
export interface Member extends NodeProcess, Named {}

/** Etcd, and who meets there. Disposing it ends them all. */
export class Continuum implements AsyncDisposable {
  readonly #owned: AsyncDisposableStack;
  /** All that were ever started, those that are gone included. */
  readonly #members: Member[] = [];
  /**
   * Ends the ids of all nodes. A starting node takes containers of its id for its own, left by a
   * crash: other tests on this machine must not have the same ids.
   */
  readonly #suffix = randomId(6);

  private constructor(
    readonly etcd: TestEtcd,
    /** The test's own way into etcd. */
    readonly registry: Registry,
    owned: AsyncDisposableStack,
  ) {
    this.#owned = owned;
  }

  /** Starts etcd; nobody is there yet. */
  static async start(): Promise<Continuum> {
    await using stack = new AsyncDisposableStack();
    const etcd = stack.use(await startEtcd());
    const registry = stack.use(connectEtcd({ endpoints: [etcd.endpoint] }));
    return new Continuum(etcd, registry, stack.move());
  }

  /**
   * Starts a node, or a balancer; its rounds are quick, so that tests need not wait.
   *
   * @param name its id in this continuum, which is made unique
   * @param area its area; any but `CLOUD` has `CLOUD` for its cloud
   * @param config what is particular to it
   * @param options how its process is started
   */
  async join(
    name: string,
    area: string,
    config: Readonly<Record<string, unknown>> = {},
    options: NodeOptions = {},
  ): Promise<Member> {
    const id = `${name}-${this.#suffix}`;
    const process = await startNodeProcess({
      ...options,
      config: {
        "etcd.address": this.etcd.endpoint,
        "registry.node.id": id,
        "registry.area": area,
        "registry.remote.area": area === "CLOUD" ? "" : "CLOUD",
        "registry.udp.port": freePort(),
        "registry.nearby.interval": 0.2,
        "registry.monitoring.interval": 0.2,
        "lb.health.interval": 0.2,
        "container.pool.memory": 64,
        "cluster.secret": testSecret,
        "log.format": "json",
        ...config,
      },
    });
    const member = { ...process, id };
    this.#owned.defer(() => removeContainers(id));
    this.#owned.use(member);
    this.#members.push(member);
    return member;
  }

  /** What all nodes wrote down, those that are gone included. */
  written(): Written[] {
    return this.#members.flatMap((member) => writtenBy(member));
  }

  /**
   * Checks what must hold however things went: nothing ran twice, no node answered a request twice.
   *
   * @returns what was checked
   */
  async audit(): Promise<Written[]> {
    let count = -1;
    let since = 0;
    await eventually("the logs are whole", () => {
      const now = this.written().length;
      if (now !== count) since = performance.now();
      count = now;
      return performance.now() - since > logRestMs;
    });
    const all = this.written();
    const ran = new Map<string, string>();
    const settled = new Set<string>();
    for (const { node, id, place, outcome } of all) {
      if (place === "local") {
        assert.equal(ran.get(id), undefined, `${id} ran on ${node} and ${ran.get(id)}`);
        ran.set(id, node);
      }
      // A node may be asked again for what it could not take.
      if (mayBeAskedAgain.has(outcome)) continue;
      assert(!settled.has(`${node} ${id}`), `${node} answered ${id} twice`);
      settled.add(`${node} ${id}`);
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

/** A node writes its log up to 50 ms late: it is whole when it has not grown for longer, ms. */
const logRestMs = 150;

/** How a request ends that surely did not start. */
const mayBeAskedAgain = new Set([
  "NODE_SATURATED",
  "NO_SUITABLE_NODE",
  "PEER_UNREACHABLE",
  "PEER_DECLINED",
]);

function writtenBy({ id: node, log }: Member): Written[] {
  return log().split("\n")
    // The last line of a killed process may be cut.
    .filter((line) => line.includes('"serverledge.invocation"') && line.endsWith("}"))
    .map((line) => ({ ...JSON.parse(line), node }));
}

/** Waits until a node sees others as reachable, and no more than these. */
export async function sees({ url }: Member, others: readonly Named[]): Promise<void> {
  const expected = idsOf(others);
  await eventually(`it sees ${expected}`, async () => {
    const found = (await members(url)).filter(({ Reachable, Self }) => Reachable && !Self);
    return found.map(({ Id }) => Id).sort().join(" ") === expected;
  });
}

/** Waits until requests of a node would go to the cloud by certain members. */
export async function aimsAt({ url }: Member, others: readonly Named[]): Promise<void> {
  const expected = idsOf(others);
  await eventually(`its cloud is ${expected}`, async () => {
    const targets = (await members(url)).filter(({ IsCloudTarget }) => IsCloudTarget);
    return targets.map(({ Id }) => Id).sort().join(" ") === expected;
  });
}

function idsOf(named: readonly Named[]): string {
  return named.map(({ id }) => id).sort().join(" ");
}

async function members(url: string): Promise<Answer["body"][]> {
  return (await get(`${url}/nodes`)).body.Nodes;
}

/** Waits until a node knows a function. */
export async function knows({ url }: Pick<Member, "url">, name: string): Promise<void> {
  await eventually(
    `it knows ${name}`,
    async () => (await get(`${url}/function`)).body.includes(name),
  );
}

/** Waits until a node runs so many invocations, here or elsewhere. */
export async function runs({ url }: Pick<Member, "url">, count: number): Promise<void> {
  await eventually(
    `it runs ${count}`,
    async () => (await get(`${url}/status`)).body.Running === count,
  );
}

/** Waits until so many requests wait at a node. */
export async function waits({ url }: Member, count: number): Promise<void> {
  await eventually(
    `${count} wait`,
    async () => (await get(`${url}/status`)).body.QueueLength === count,
  );
}

/**
 * Waits until a node knows that another is at rest. One that has just come to rest is still busy in
 * the eyes of others, who send it nothing.
 */
export async function knowsFree({ url }: Member, other: Named): Promise<void> {
  await eventually(`it knows that ${other.id} is free`, async () => {
    const view = (await members(url)).find(({ Id }) => Id === other.id);
    return view?.Reachable && view.AvailableMemory !== null && view.Running === 0 &&
      view.QueueLength === 0 && view.AvailableMemory === view.TotalMemory;
  });
}

/** Waits until a node's ledger is empty: nothing runs or waits, and nothing is held. */
export async function becomesIdle({ url }: Member): Promise<void> {
  await eventually("its ledger is empty", async () => {
    const { body } = await get(`${url}/status`);
    return body.Running === 0 && body.QueueLength === 0 && body.UsedCPU === 0 &&
      body.AvailableMemory === body.TotalMemory;
  });
}

/** Memory of generic instances, MiB. */
const genericMibOf: Readonly<Record<string, number>> = { python: 32, nodejs: 64 };

/** Deletes a function and waits until a node holds no memory any more, but that of generic instances. */
export async function clears(member: Member, name: string): Promise<void> {
  await post(`${member.url}/delete`, { Name: name });
  await becomesIdle(member);
  await eventually("it has no instances", async () => {
    const { body } = await get(`${member.url}/status`);
    const genericMib = Object.entries<number>(body.GenericInstances)
      .reduce((sum, [runtime, count]) => sum + count * genericMibOf[runtime]!, 0);
    return body.Instances.length === 0 && body.FreeMemory + genericMib === body.TotalMemory;
  });
}

/** Invokes a function, by default `f`, that may be sent elsewhere. */
export function invoke(
  { url }: Pick<Member, "url">,
  params: object = {},
  more: object = {},
  name = "f",
): Promise<Answer> {
  return post(`${url}/invoke/${name}`, { Params: params, CanDoOffloading: true, ...more });
}

/** Python that says where it runs after it has slept. */
export const sleeper = `
import time
def f(params, context):
    time.sleep((params or {}).get("sleep", 0))
    return context["node"]
`;

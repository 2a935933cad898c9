/**
 * An edge zone and a cloud region on one machine: etcd, two nodes each, and a balancer in front of
 * the cloud's, some milliseconds away.
 *
 * @module
 */

import { get, post, python } from "../../tests/support/client.ts";
import { Continuum, knows, type Member } from "../../tests/support/continuum.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { freePort } from "../../tests/support/network/free_port.ts";
import { Relay } from "../../tests/support/network/relay.ts";
import {
  classes,
  functionName,
  instanceMib,
  napSeconds,
  queueCapacity,
  type Sizes,
} from "./model.ts";

const source = `
import time
def f(params, context):
    time.sleep(${napSeconds})
    return "rested"
`;

/** The part of the continuum that stays while edge zones come and go. */
export interface Cloud extends AsyncDisposable {
  /** All that was started; etcd is in it. */
  readonly continuum: Continuum;
  readonly sizes: Sizes;
}

/** The edge zone. */
export interface Edge extends AsyncDisposable {
  /** The nodes that clients send their requests to. */
  readonly nodes: readonly Member[];
}

/**
 * Starts etcd and the cloud region, and creates the function.
 *
 * @param sizes how much there is of what
 * @param signal gives up between two steps
 */
export async function startCloud(sizes: Sizes, signal?: AbortSignal): Promise<Cloud> {
  await using stack = new AsyncDisposableStack();
  const continuum = stack.use(await Continuum.start());
  const nodes: Member[] = [];
  for (const name of ["cloud-1", "cloud-2"]) {
    signal?.throwIfAborted();
    nodes.push(await continuum.join(name, "CLOUD", sized(sizes.cloudInstances)));
  }
  const answer = await post(
    `${nodes[0]!.url}/create`,
    await python(functionName, source, { MemoryMB: instanceMib, CPUDemand: 0.1 }),
  );
  if (answer.status !== 200) throw new Error(`create: ${JSON.stringify(answer.body)}`);
  for (const node of nodes) {
    signal?.throwIfAborted();
    await prepare(node, sizes.cloudInstances);
  }
  const port = freePort();
  // Whoever looks the balancer up in the registry finds the relay, and so the distance.
  const distance = stack.use(new Relay(`127.0.0.1:${port}`, sizes.cloudDelayMs));
  await continuum.join("lb-1", "CLOUD", {
    ...quiet,
    "api.port": port,
    "api.url": `http://${distance.address}`,
  }, { command: "lb" });
  const owned = stack.move();
  return { continuum, sizes, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * Starts the edge zone and warms it up.
 *
 * @param cloud what it offloads to
 * @param policy `scheduler.policy` of its nodes
 * @param signal gives up between two steps
 */
export async function startEdge(
  { continuum, sizes }: Cloud,
  policy: string,
  signal?: AbortSignal,
): Promise<Edge> {
  await using stack = new AsyncDisposableStack();
  const nodes: Member[] = [];
  for (const name of ["edge-1", "edge-2"]) {
    signal?.throwIfAborted();
    const config = { ...sized(sizes.edgeInstances), "scheduler.policy": policy };
    nodes.push(stack.use(await continuum.join(name, "EDGE", config)));
  }
  for (const node of nodes) {
    signal?.throwIfAborted();
    await prepare(node, sizes.edgeInstances);
    await eventually("it sees its neighbour and the cloud", () => seesOthers(node));
  }
  const owned = stack.move();
  return { nodes, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Unlike nodes under test, those that are measured write no line for each invocation and sign nothing. */
const quiet = {
  "registry.monitoring.interval": 0.5,
  "lb.health.interval": 0.5,
  "shutdown.grace": 1,
  "cluster.secret": "",
  "log.level": "warning",
};

function sized(instances: number) {
  const qos = classes.map(({ name, id, limit, weight }) => [name, { id, limit, weight }]);
  return {
    ...quiet,
    "container.pool.memory": instances * instanceMib,
    // A function that sleeps needs none: memory is what is scarce here.
    "container.pool.cpus": 64,
    "scheduler.queue.capacity": queueCapacity,
    "qos": Object.fromEntries(qos),
  };
}

/** Waits until a node knows the function, and starts all the instances it has memory for. */
async function prepare(node: Member, instances: number): Promise<void> {
  await knows(node, functionName);
  const { status, body } = await post(`${node.url}/prewarm`, {
    Function: functionName,
    Instances: instances,
  });
  if (status !== 200) throw new Error(`prewarm: ${JSON.stringify(body)}`);
}

async function seesOthers(node: Member): Promise<boolean> {
  const { body } = await get(`${node.url}/nodes`);
  const members: { Area: string; Self: boolean; IsCloudTarget: boolean; Reachable: boolean }[] =
    body.Nodes;
  const others = members.filter(({ Self, Reachable }) => !Self && Reachable);
  return others.some(({ IsCloudTarget }) => IsCloudTarget) &&
    others.some(({ Area }) => Area === "EDGE");
}

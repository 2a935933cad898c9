/**
 * How long policies take to decide on a node that knows 1,000 neighbours, of which only one has room:
 * the choice among them, which the peer table makes, included.
 *
 * @module
 */

import { originCoordinate } from "../../../lib/cluster/coordinates/coordinates.ts";
import { PeerTable } from "../../../lib/cluster/peers/table.ts";
import type { Eligibility } from "../../../lib/cluster/peers/peers.ts";
import { Vivaldi } from "../../../lib/cluster/coordinates/vivaldi.ts";
import type { NodeRecord, PeerStatus } from "../../../lib/model/node.ts";
import type { NodeView, Policy, RequestFacts } from "../../../lib/policy/contract.ts";
import { defaultClass } from "../../../lib/model/qos.ts";
import { policies } from "../../../policies/mod.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";

/** Neighbours that the node knows. */
const peerCount = 1000;
/** Decisions before the first round: code gets hot. */
const warmUps = 20_000;
/** Decisions of one round. */
const decisions = 20_000;

const measured = { executionMs: 50, startMs: 300, coldShare: 0.1 };

const idleStatus: PeerStatus = {
  availableMemoryMib: 0,
  totalMemoryMib: 4096,
  freeCpu: 2,
  queueLength: 0,
  running: 0,
  coordinate: originCoordinate,
  warm: () => false,
  hasImage: () => true,
};

const table = peerTable();
const anything: Eligibility = {
  functionName: "f",
  need: "",
  architectures: ["amd64"],
  areas: undefined,
  visited: [],
};

/** A node that is full, so that every policy has to look around. */
const view: NodeView = {
  supported: true,
  warm: false,
  canStart: false,
  queueLength: 3,
  queueCapacity: 1000,
  queueWaitMs: 100,
  availableMemoryMib: 0,
  freeMemoryMib: 0,
  totalMemoryMib: 4096,
  local: measured,
  remote: measured,
  get peers() {
    return table.near(anything);
  },
  get cloud() {
    return table.cloud(anything);
  },
};

const classes = [defaultClass, { ...defaultClass, name: "interactive", id: 1, limit: 0.2 }];
const requests = classes.map((qosClass): RequestFacts => ({
  id: `f-${qosClass.id}`,
  functionName: "f",
  memoryMib: 128,
  cpu: 0.5,
  qosClass,
  budgetMs: 200,
  inputSize: 1000,
  canOffload: true,
}));

/** Measures each policy; the slowest one's figure is the suite's. */
export async function measureDecide(results: Results): Promise<void> {
  const slowest: number[] = [];
  for (const [name, factory] of Object.entries(policies)) {
    let draw = 0;
    // Evenly spread, so that policies that draw go through all of their branches.
    const random = () => (draw = (draw + 0.618) % 1);
    const policy = factory({ random, now: () => performance.now(), settings: {} });
    checkAnswers(policy);
    decide(policy, warmUps);
    const samples = await inRounds(() => Promise.resolve(decide(policy, decisions)));
    results.add(`decide_1000_peers_us_${name}`, "µs", samples);
    samples.forEach((sample, at) => slowest[at] = Math.max(slowest[at] ?? 0, sample));
  }
  results.add("decide_1000_peers_us", "µs", slowest);
}

/** Mean time of one decision, µs. */
function decide(policy: Policy, times: number): number {
  const from = performance.now();
  let answers = 0;
  for (let i = 0; i < times; i++) {
    if (policy.decide(requests[i % requests.length]!, view).kind) answers++;
  }
  const tookMs = performance.now() - from;
  // What comes of the answers must count, or the compiler leaves the work out.
  if (answers !== times) throw new Error(`${policy.name} left requests without a response`);
  return tookMs * 1000 / times;
}

function checkAnswers(policy: Policy): void {
  for (const request of requests) {
    const decision = policy.decide(request, view);
    const target = decision.kind === "offload" ? decision.to : "";
    const right = decision.kind === "offload"
      ? target === "cloud" || target === `peer-${peerCount - 1}`
      : decision.kind === "wait";
    if (!right) {
      throw new Error(`${policy.name} made a wrong decision: ${JSON.stringify(decision)}`);
    }
  }
}

/** A node's table of its neighbours and a balancer of the cloud, all of which have reported their status. */
function peerTable(): PeerTable {
  const table = new PeerTable({
    id: "me",
    area: "edge",
    remoteArea: "cloud",
    vivaldi: new Vivaldi(() => 0.5),
    now: () => 0,
    random: () => 0.5,
  });
  const peers = Array.from({ length: peerCount }, (_, at) => recordOf(`peer-${at}`));
  table.reset([...peers, { ...recordOf("cloud"), area: "cloud", role: "balancer" }]);
  for (const peer of table.all) {
    const { id, role } = peer.record;
    const availableMemoryMib = id === `peer-${peerCount - 1}` ? 1024 : 64;
    if (role === "balancer") table.probeSucceeded(peer, 40);
    else table.probeSucceeded(peer, 2, { ...idleStatus, availableMemoryMib });
  }
  return table;
}

function recordOf(id: string): NodeRecord {
  return {
    id,
    area: "edge",
    role: "node",
    url: "http://10.0.0.1:1323",
    udp: "10.0.0.1:9876",
    architecture: "amd64",
    incarnation: "1",
  };
}

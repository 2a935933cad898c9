/**
 * A scheduler whose peers respond when the test says so.
 *
 * @module
 */

import { FakeEnvironment, fakeRecord } from "./fakes/fake_environment.ts";
import { ManualClock } from "../../lib/base/clock.ts";
import { Deadlines } from "../../lib/base/deadlines.ts";
import { type ErrorCode, ServerledgeError } from "../../lib/base/errors.ts";
import type { Eligibility, Forwarded, Peers } from "../../lib/cluster/peers/peers.ts";
import type { Hop } from "../../lib/model/hop.ts";
import {
  defaultRequest,
  type InvocationResult,
  type InvokeRequest,
  type Report,
} from "../../lib/model/invocation.ts";
import { QosClasses } from "../../lib/model/qos.ts";
import type { PeerView, Policy } from "../../lib/policy/contract.ts";
import { ResourceLedger } from "../../lib/pool/resource_ledger.ts";
import { Pool } from "../../lib/pool/pool.ts";
import type { InvocationOutcome } from "../../lib/scheduler/observer.ts";
import { Scheduler } from "../../lib/scheduler/scheduler.ts";

/** Offloads everything to the first peer, then runs here, then waits. */
export const eager: Policy = {
  name: "eager",
  decide: (request, view) => {
    const peer = request.canOffload ? view.peers[0] ?? view.cloud : undefined;
    if (peer) return { kind: "offload", to: peer.id, fetchImage: view.imageMissing === true };
    if (!view.supported) return { kind: "reject", code: "NO_SUITABLE_NODE" };
    return view.warm || view.canStart ? { kind: "run" } : { kind: "wait" };
  },
};

/** A peer with free capacity. */
export function peer(id: string, isCloud = false): PeerView {
  return {
    id,
    area: isCloud ? "CLOUD" : "A",
    isCloud,
    rttMs: 5,
    ageMs: 0,
    availableMemoryMib: 1000,
    freeCpu: 4,
    queueLength: 0,
    warm: false,
  };
}

/** Peers that respond when the test says so. */
export class FakePeers implements Peers {
  readonly all: PeerView[] = [];
  readonly asked: Eligibility[] = [];
  sought = 0;
  readonly sent: {
    to: string;
    forwarded: Forwarded;
    signal: AbortSignal;
    answer(report: Partial<Report>): void;
    refuse(code: ErrorCode): void;
  }[] = [];

  near(eligible: Eligibility): readonly PeerView[] {
    this.asked.push(eligible);
    return this.#eligible(eligible).filter(({ isCloud }) => !isCloud);
  }

  cloud(eligible: Eligibility): PeerView | undefined {
    return this.#eligible(eligible).find(({ isCloud }) => isCloud);
  }

  isCloud(id: string): boolean {
    return this.all.some((peer) => peer.id === id && peer.isCloud);
  }

  requestStatus(): void {
    this.sought++;
  }

  summary() {
    return { peerMemoryMib: 0, edgeRttMs: Infinity, cloudRttMs: Infinity };
  }

  send(to: string, forwarded: Forwarded, signal: AbortSignal): Promise<InvocationResult> {
    const { promise, resolve, reject } = Promise.withResolvers<InvocationResult>();
    signal.addEventListener("abort", () => reject(signal.reason));
    this.sent.push({
      to,
      forwarded,
      signal,
      answer: (report) =>
        resolve({ report: { success: true, durationS: 0.01, ...report } as Report }),
      refuse: (code) => reject(new ServerledgeError(code, "refused")),
    });
    return promise;
  }

  #eligible({ visited, areas }: Eligibility): PeerView[] {
    return this.all.filter(({ id, area }) =>
      !visited.includes(id) && (!areas || areas.includes(area))
    );
  }
}

/** A scheduler with fake peers over a fake environment. */
export function setUp(
  {
    record = fakeRecord(),
    maxHops = 1,
    names = ["one", "two"],
    hasImage = true,
    policy = eager,
  } = {},
) {
  const environment = new FakeEnvironment();
  environment.slowStarts = false;
  const clock = new ManualClock();
  const ledger = new ResourceLedger({ memoryMib: 1000, cpu: 4 });
  const pool = new Pool({ ledger, environment: () => environment, clock, parallelStarts: 4 });
  const peers = new FakePeers();
  for (const name of names) peers.all.push(peer(name));
  const ends: InvocationOutcome[] = [];
  const fetched: string[] = [];
  const scheduler = new Scheduler({
    node: { id: "me", area: "A" },
    clock,
    deadlines: new Deadlines(clock),
    policy,
    pool,
    ledger,
    peers,
    classes: new QosClasses([]),
    maxHops,
    find: (name) => name === record.name ? record : undefined,
    supports: () => true,
    keepsLargeIntegers: () => true,
    images: { has: () => hasImage, fetch: ({ name }) => fetched.push(name) },
    queueCapacity: 100,
    defaultTimeoutMs: 60_000,
    observer: { completed: (end) => ends.push(end) },
  });
  const submit = (change: Partial<InvokeRequest> = {}, hop?: Hop) => {
    const request = { ...defaultRequest, ...change };
    const invocation = scheduler.submit("f", request, { hop });
    invocation.done.catch(() => {});
    return invocation;
  };
  return { environment, clock, peers, scheduler, submit, ends, fetched };
}

/** The hop of a request from another node. */
export const hopTo = (change: Partial<Hop> = {}): Hop => ({
  id: "f-9",
  hopsLeft: 0,
  visited: ["origin"],
  budgetMs: 1000,
  originArea: "A",
  ...change,
});

/**
 * What the exchange of status costs a node, by the number of nodes: one real prober on a simulated
 * clock, whose socket is a network of simulated peers. They answer at once, and ask as often as they
 * are asked, as nodes of the same program do on average.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ManualClock } from "../../../lib/base/clock.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { originCoordinate } from "../../../lib/cluster/coordinates/coordinates.ts";
import { DatagramCodec, type LocalStatus } from "../../../lib/cluster/status/datagram.ts";
import { PeerTable } from "../../../lib/cluster/peers/table.ts";
import { Prober } from "../../../lib/cluster/status/prober.ts";
import type { StatusSocket } from "../../../lib/cluster/status/socket.ts";
import { Vivaldi } from "../../../lib/cluster/coordinates/vivaldi.ts";
import type { NodeRecord } from "../../../lib/model/node.ts";
import type { Results } from "../results.ts";

/** Time between rounds of datagrams, as nodes have it by default, ms. */
const intervalMs = 2000;
/** Rounds until every node has reported: a node asks at least six others in each round. */
const warmUp = (peers: number) => 20 + peers / 4;
/** Rounds that are measured. */
const measured = 300;
const repetitions = 3;

const address = { transport: "udp", hostname: "10.0.0.2", port: 9876 } as const;

const ownStatus: LocalStatus = {
  availableMemoryMib: 3072,
  totalMemoryMib: 4096,
  freeCpu: 1.5,
  queueLength: 2,
  running: 6,
  warm: Array.from({ length: 50 }, (_, i) => `function-${i}`),
  images: ["python", "nodejs"],
};

function record(id: string): NodeRecord {
  return {
    id,
    area: "EDGE",
    role: "node",
    url: "http://10.0.0.2:1323",
    udp: "10.0.0.2:9876",
    architecture: "amd64",
    incarnation: "1",
  };
}

/** A socket behind which peers answer each ping, and ask back. */
class SimulatedPeers implements StatusSocket {
  readonly addr = address;
  readonly #codec = new DatagramCodec("secret");
  readonly #clock: ManualClock;
  readonly #inbox: Uint8Array<ArrayBuffer>[] = [];
  #waiting: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
  #fail: (error: Error) => void = () => {};
  pings = 0;
  pongs = 0;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  send(bytes: Uint8Array): Promise<number> {
    const datagram = this.#codec.read(bytes);
    assert(datagram, "the datagram of the node cannot be read");
    if (datagram.kind === "pong") this.pongs++;
    else {
      this.pings++;
      const { to, from, nonce } = datagram;
      this.#deliver(this.#codec.pong(to, nonce, ownStatus, originCoordinate));
      const ask = { kind: "ping", from: to, to: from, nonce: randomId() } as const;
      this.#deliver(this.#codec.ping({ ...ask, at: this.#clock.wall() }));
    }
    return Promise.resolve(bytes.length);
  }

  receive(): Promise<[Uint8Array<ArrayBuffer>, Deno.Addr]> {
    const { promise, resolve, reject } = Promise.withResolvers<
      [Uint8Array<ArrayBuffer>, Deno.Addr]
    >();
    this.#fail = reject;
    this.#waiting = (bytes) => resolve([bytes, address]);
    const next = this.#inbox.shift();
    if (next) this.#deliver(next);
    return promise;
  }

  close(): void {
    this.#fail(new Error("closed"));
  }

  #deliver(bytes: Uint8Array<ArrayBuffer>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(bytes);
    else this.#inbox.push(bytes);
  }
}

/** Bytes per second in and out of a node with so many peers, once it knows them all. */
async function bytesPerSecond(peers: number): Promise<number> {
  const clock = new ManualClock();
  const random = Math.random;
  const vivaldi = new Vivaldi(random);
  const now = () => clock.now();
  const table = new PeerTable({ id: "me", area: "EDGE", remoteArea: "", vivaldi, now, random });
  table.reset(Array.from({ length: peers }, (_, i) => record(`node-${i}`)));
  const socket = new SimulatedPeers(clock);
  await using prober = new Prober({
    id: "me",
    table,
    vivaldi,
    socket,
    codec: new DatagramCodec("secret"),
    intervalMs,
    clock,
    random,
    status: () => ownStatus,
    onStatus: () => {},
  });
  const pass = async (rounds: number) => {
    for (let i = 0; i < rounds; i++) {
      // Datagrams are taken in between two turns of the event loop.
      await new Promise((resolve) => setTimeout(resolve, 0));
      clock.advance(intervalMs);
    }
  };
  await pass(warmUp(peers));
  assert(
    [...table.all].every((peer) => peer.status && peer.reachable),
    "not every node has reported its status",
  );
  const before = { ...prober.traffic };
  await pass(measured);
  const { sent, received, ignored: refused } = prober.traffic;
  assert.equal(refused, 0);
  assert(
    socket.pongs > 0 && socket.pings - socket.pongs < 50,
    "nodes that were probed did not probe in return",
  );
  return (sent + received - before.sent - before.received) / (measured * intervalMs / 1000);
}

/** Measures the exchange of status with 10, 100 and 1,000 nodes. */
export async function measureStatusTraffic(results: Results): Promise<void> {
  for (const nodes of [10, 100, 1000]) {
    const samples: number[] = [];
    for (let i = 0; i < repetitions; i++) samples.push(await bytesPerSecond(nodes - 1));
    results.add(`status_bytes_per_s_n${nodes}`, "B/s", samples);
  }
}

import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import { originCoordinate } from "../coordinates/coordinates.ts";
import { DatagramCodec, type LocalStatus } from "./datagram.ts";
import { PeerTable } from "../peers/table.ts";
import { Prober } from "./prober.ts";
import type { StatusSocket } from "./socket.ts";
import { Vivaldi } from "../coordinates/vivaldi.ts";

const status: LocalStatus = {
  availableMemoryMib: 10,
  totalMemoryMib: 10,
  freeCpu: 1,
  queueLength: 0,
  running: 0,
  warm: [],
  images: [],
};
const address: Deno.NetAddr = { transport: "udp", hostname: "10.0.0.1", port: 9876 };

/** A prober with one peer, whose datagrams the test sends. */
function setUp(secret = "") {
  const clock = new ManualClock();
  const codec = new DatagramCodec(secret);
  const nonces: string[] = [];
  const incoming: ((datagram: [Uint8Array<ArrayBuffer>, Deno.NetAddr]) => void)[] = [];
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  const socket: StatusSocket = {
    addr: address,
    send: (bytes) => {
      const ping = codec.read(bytes);
      if (ping?.kind === "ping") nonces.push(ping.nonce);
      return Promise.resolve(bytes.length);
    },
    receive: () =>
      Promise.race([
        closed.promise,
        new Promise<[Uint8Array<ArrayBuffer>, Deno.NetAddr]>((resolve) => incoming.push(resolve)),
      ]),
    close: () => closed.reject(new Error("closed")),
  };
  const table = new PeerTable({
    id: "me",
    area: "EDGE",
    remoteArea: "",
    vivaldi: new Vivaldi(() => 0.5),
    now: () => clock.now(),
    random: () => 0.5,
  });
  table.put({
    id: "a",
    area: "EDGE",
    role: "node",
    url: "http://10.0.0.1:1323",
    udp: "10.0.0.1:9876",
    architecture: "amd64",
    incarnation: "1",
  });
  let updates = 0;
  const prober = new Prober({
    id: "me",
    table,
    vivaldi: new Vivaldi(() => 0.5),
    socket,
    codec,
    intervalMs: 2000,
    clock,
    random: () => 0.5,
    status: () => status,
    onStatus: () => updates++,
  });
  /** Answers the ping of that number. */
  const answer = async (index: number) => {
    incoming.pop()!([codec.pong("a", nonces[index]!, status, originCoordinate), address]);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  /** Returns the recorded mismatches after a datagram has arrived. */
  const mismatchAfter = async (bytes: Uint8Array<ArrayBuffer>, from = address) => {
    incoming.pop()!([bytes, from]);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    return table.get("a")!.mismatches.text;
  };
  return { clock, table, prober, nonces, answer, mismatchAfter, updates: () => updates };
}

Deno.test("Prober: probes peers each round and reports their status", async () => {
  const { clock, table, prober, nonces, answer, updates } = setUp();
  await using _ = prober;
  assert.equal(nonces.length, 1);
  await answer(0);
  assert.deepEqual([updates(), table.get("a")!.ageMs(clock.now())], [1, 0]);
  clock.advance(1999);
  assert.equal(nonces.length, 1);
  clock.advance(1);
  assert.equal(nonces.length, 2);
});

Deno.test("Prober: probeNow probes near peers earlier, but at a bounded rate", async () => {
  const { clock, prober, nonces } = setUp();
  await using _ = prober;
  for (let k = 0; k < 100; k++) prober.probeNow();
  assert.equal(nonces.length, 1, "they were just probed");
  clock.advance(250);
  assert.equal(nonces.length, 2);
  clock.advance(749);
  assert.equal(nonces.length, 2, "one call, one probe");
  prober.probeNow();
  clock.advance(0);
  assert.equal(nonces.length, 3);
});

Deno.test("Prober: an urgent probe has time until the next round and does not count as failed", async () => {
  const { clock, table, prober, nonces, answer } = setUp();
  await using _ = prober;
  await answer(0);
  clock.advance(990);
  prober.probeNow();
  clock.advance(20);
  assert.equal(nonces.length, 2);
  assert.equal(
    table.get("a")!.suspect,
    false,
    "the round's probes have expired, the urgent one has not",
  );
  clock.advance(2000);
  assert.equal(nonces.length, 3);
  const { reachable, suspect } = table.get("a")!;
  assert.deepEqual(
    [reachable, suspect],
    [true, true],
    "one failed probe of the round",
  );
});

Deno.test("Prober: a disposed prober sends no urgent probes", async () => {
  const { clock, prober, nonces } = setUp();
  prober.probeNow();
  await prober[Symbol.asyncDispose]();
  prober.probeNow();
  clock.advance(10_000);
  assert.equal(nonces.length, 1);
});

/** A ping of the peer. */
const pingOf = (secret: string, at: number) =>
  new DatagramCodec(secret).ping({ kind: "ping", from: "a", to: "me", nonce: "0".repeat(32), at });

Deno.test("Prober: records a mismatch of a peer until it is resolved", async () => {
  const { clock, prober, mismatchAfter } = setUp("ours");
  await using _ = prober;
  const now = () => clock.wall();
  assert.equal(
    await mismatchAfter(pingOf("theirs", now())),
    "its cluster.secret differs from this node's",
  );
  assert.equal(
    await mismatchAfter(pingOf("", now())),
    "it has no cluster.secret, but this node has one",
  );
  assert.equal(await mismatchAfter(pingOf("ours", now())), "");
  const other = pingOf("ours", now());
  other[0] = 9;
  assert.match(
    await mismatchAfter(other),
    /^its datagrams have version 9, those of this node version 2: run/,
  );
  clock.advance(1);
  assert.equal(await mismatchAfter(pingOf("ours", now())), "");
  assert.match(
    await mismatchAfter(pingOf("ours", now() + 45_000)),
    /^its clock is 45 s ahead of this/,
  );
  assert.match(
    await mismatchAfter(pingOf("ours", now() - 31_000)),
    /^its clock is 31 s behind this/,
  );
  clock.advance(1);
  assert.equal(await mismatchAfter(pingOf("ours", now())), "");
  const elsewhere = { ...address, hostname: "10.0.0.2" };
  assert.equal(await mismatchAfter(pingOf("theirs", now()), elsewhere), "", "not from its address");
});

Deno.test("Prober: a node without a secret records peers that have one", async () => {
  const { clock, prober, mismatchAfter } = setUp();
  await using _ = prober;
  assert.match(
    await mismatchAfter(pingOf("theirs", clock.wall())),
    /^it has a cluster.secret, but this node/,
  );
  assert.equal(await mismatchAfter(pingOf("", clock.wall())), "");
});

Deno.test("Prober: a ping that was signed before the start is not answered", async () => {
  const { clock, prober, mismatchAfter } = setUp("ours");
  await using _ = prober;
  const before = clock.wall();
  clock.advance(1000);
  await mismatchAfter(pingOf("ours", before));
  assert.equal(prober.traffic.ignored, 1, "a former process may have answered it");
  await mismatchAfter(pingOf("ours", before + 1));
  await mismatchAfter(pingOf("ours", before + 1));
  assert.equal(prober.traffic.ignored, 2, "each ping is answered once");
});

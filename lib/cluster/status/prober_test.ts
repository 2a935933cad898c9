import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import { originCoordinate } from "../coordinates/coordinates.ts";
import { DatagramCodec, type LocalStatus } from "./datagram.ts";
import { PeerTable } from "../peers/table.ts";
import { Prober } from "./prober.ts";
import type { StatusSocket } from "./socket.ts";
import { Vivaldi } from "../coordinates/vivaldi.ts";

const news: LocalStatus = {
  availableMemoryMib: 10,
  totalMemoryMib: 10,
  freeCpu: 1,
  queueLength: 0,
  running: 0,
  warm: [],
  images: [],
};
const address: Deno.NetAddr = { transport: "udp", hostname: "10.0.0.1", port: 9876 };

/** A prober with one peer, whose answers are the test's. */
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
  let heard = 0;
  const prober = new Prober({
    id: "me",
    table,
    vivaldi: new Vivaldi(() => 0.5),
    socket,
    secret,
    intervalMs: 2000,
    clock,
    random: () => 0.5,
    news: () => news,
    heard: () => heard++,
  });
  /** Answers the ping of that number. */
  const answer = async (index: number) => {
    incoming.pop()!([codec.pong("a", nonces[index]!, news, originCoordinate), address]);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  /** What the prober notes of its peer once a datagram has come. */
  const noted = async (bytes: Uint8Array<ArrayBuffer>, from = address) => {
    incoming.pop()!([bytes, from]);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    return table.get("a")!.problems.text;
  };
  return { clock, table, prober, nonces, answer, noted, heard: () => heard };
}

Deno.test("peers are asked each round, and told of when they answer", async () => {
  const { clock, table, prober, nonces, answer, heard } = setUp();
  await using _ = prober;
  assert.equal(nonces.length, 1);
  await answer(0);
  assert.deepEqual([heard(), table.get("a")!.ageMs(clock.now())], [1, 0]);
  clock.advance(1999);
  assert.equal(nonces.length, 1);
  clock.advance(1);
  assert.equal(nonces.length, 2);
});

Deno.test("in a hurry near ones are asked sooner, but not all the time", async () => {
  const { clock, prober, nonces } = setUp();
  await using _ = prober;
  for (let k = 0; k < 100; k++) prober.hurry();
  assert.equal(nonces.length, 1, "they were asked just now");
  clock.advance(250);
  assert.equal(nonces.length, 2);
  clock.advance(749);
  assert.equal(nonces.length, 2, "one hurry, one question");
  prober.hurry();
  clock.advance(0);
  assert.equal(nonces.length, 3);
});

Deno.test("what was asked in a hurry has its time to be answered, and does not count when it is not", async () => {
  const { clock, table, prober, nonces, answer } = setUp();
  await using _ = prober;
  await answer(0);
  clock.advance(990);
  prober.hurry();
  clock.advance(20);
  assert.equal(nonces.length, 2);
  assert.equal(table.get("a")!.suspect, false, "the round's time is over, not the hurry's");
  clock.advance(2000);
  assert.equal(nonces.length, 3);
  const { reachable, suspect } = table.get("a")!;
  assert.deepEqual(
    [reachable, suspect],
    [true, true],
    "one question of the round without an answer",
  );
});

Deno.test("a hurry ends with its prober", async () => {
  const { clock, prober, nonces } = setUp();
  prober.hurry();
  await prober[Symbol.asyncDispose]();
  prober.hurry();
  clock.advance(10_000);
  assert.equal(nonces.length, 1);
});

/** A ping of the peer. */
const pingOf = (secret: string, at: number) =>
  new DatagramCodec(secret).ping({ kind: "ping", from: "a", to: "me", nonce: "0".repeat(32), at });

Deno.test("why a peer cannot be believed is noted, until it can", async () => {
  const { clock, prober, noted } = setUp("ours");
  await using _ = prober;
  const now = () => clock.wall();
  assert.equal(await noted(pingOf("theirs", now())), "its cluster.secret is not this node's");
  assert.equal(await noted(pingOf("", now())), "it has no cluster.secret, this node has one");
  assert.equal(await noted(pingOf("ours", now())), "");
  const other = pingOf("ours", now());
  other[0] = 9;
  assert.match(await noted(other), /^its datagrams have version 9, this node's have 1: run/);
  clock.advance(1);
  assert.equal(await noted(pingOf("ours", now())), "");
  assert.match(await noted(pingOf("ours", now() + 45_000)), /^its clock is 45 s ahead of this/);
  assert.match(await noted(pingOf("ours", now() - 31_000)), /^its clock is 31 s behind this/);
  clock.advance(1);
  assert.equal(await noted(pingOf("ours", now())), "");
  const elsewhere = { ...address, hostname: "10.0.0.2" };
  assert.equal(await noted(pingOf("theirs", now()), elsewhere), "", "not from its address");
});

Deno.test("a node without a secret notes who has one", async () => {
  const { clock, prober, noted } = setUp();
  await using _ = prober;
  assert.match(await noted(pingOf("theirs", clock.wall())), /^it has a cluster.secret, this node/);
  assert.equal(await noted(pingOf("", clock.wall())), "");
});

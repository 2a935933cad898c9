import assert from "node:assert/strict";
import type { Coordinate } from "../../model/node.ts";
import {
  DatagramCodec,
  type LocalStatus,
  maxDatagramBytes,
  type Ping,
  type Pong,
} from "./datagram.ts";

const coordinate: Coordinate = {
  vector: [1.23456789, -1234.5678, 9999.999],
  height: 0.01,
  adjustment: -3.25,
  error: 1.5,
};
const status: LocalStatus = {
  availableMemoryMib: 512,
  totalMemoryMib: 1024,
  freeCpu: 1.5,
  queueLength: 3,
  running: 7,
  warm: ["hello", "resize"],
  images: ["python", "custom a/b:1"],
};
const nonce = "0123456789abcdef0123456789abcdef";
const ping: Ping = { kind: "ping", from: "n1", to: "n2", nonce, at: 1_700_000_000_000 };

function readPong(codec: DatagramCodec, bytes: Uint8Array): Pong {
  const read = codec.read(bytes);
  assert(read?.kind === "pong");
  return read;
}

Deno.test("DatagramCodec: reads the pings and pongs that it writes", () => {
  for (const secret of ["", "s3cret"]) {
    const codec = new DatagramCodec(secret);
    assert.deepEqual(codec.read(codec.ping(ping)), ping);
    const pong = readPong(codec, codec.pong("n2", nonce, status, coordinate));
    assert.equal(pong.nonce, nonce);
    const { warm, hasImage, ...reported } = pong.status;
    assert.deepEqual(reported, {
      availableMemoryMib: 512,
      totalMemoryMib: 1024,
      freeCpu: 1.5,
      queueLength: 3,
      running: 7,
      coordinate: { ...coordinate, vector: [1.235, -1234.568, 9999.999] },
    });
    assert(warm("hello") && warm("resize") && !warm("other"));
    assert(hasImage("python") && hasImage("custom a/b:1") && !hasImage("nodejs"));
  }
});

Deno.test("DatagramCodec: a pong without images counts as having all of them", () => {
  const codec = new DatagramCodec("");
  // Older nodes send the same, since they do not know the field.
  const bytes = codec.pong("n2", nonce, { ...status, images: undefined }, coordinate);
  assert(!new TextDecoder().decode(bytes).includes("images"));
  assert(readPong(codec, bytes).status.hasImage("nodejs"));
});

Deno.test("DatagramCodec: a datagram stays below its bound with many functions and long names", () => {
  const codec = new DatagramCodec("s3cret");
  const long = "n".repeat(128);
  const warm = Array.from({ length: 10_000 }, (_, i) => `function-${i}`);
  const images = warm.map((name) => `custom registry.example/${name}`);
  const many = { ...status, warm, images, availableMemoryMib: 999_999_999.999 };
  const pong = codec.pong(long, nonce, many, {
    vector: [-9999.999, -9999.999, -9999.999],
    height: 9999.999,
    adjustment: -9999.999,
    error: 1.499,
  });
  assert(pong.length < maxDatagramBytes, `${pong.length} bytes`);
  assert(readPong(codec, pong).status.warm("function-9999"));
  assert(readPong(codec, pong).status.hasImage(images.at(-1)!));
  assert(codec.ping({ ...ping, from: long, to: long }).length < maxDatagramBytes);
});

Deno.test("DatagramCodec: ignores a damaged datagram, or one with another secret", () => {
  const codec = new DatagramCodec("s3cret");
  const bytes = codec.ping(ping);
  assert.equal(new DatagramCodec("other").read(bytes), undefined);
  assert.equal(codec.read(new DatagramCodec("").ping(ping)), undefined);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at]! ^= 1;
    assert.equal(codec.read(damaged), undefined, `byte ${at}`);
  }
});

Deno.test("DatagramCodec: names the mismatch of a datagram with an unsigned, older or other node", () => {
  const signed = new DatagramCodec("s3cret");
  const unsigned = new DatagramCodec("");
  const problem = (codec: DatagramCodec, bytes: Uint8Array) => codec.mismatch(bytes)?.problem;
  assert.equal(problem(signed, signed.ping(ping)), undefined);
  assert.equal(problem(unsigned, unsigned.ping(ping)), undefined);
  assert.match(problem(signed, unsigned.ping(ping))!, /^it has no cluster.secret/);
  assert.match(problem(unsigned, signed.ping(ping))!, /^it has a cluster.secret/);
  assert.match(problem(signed, new DatagramCodec("other").ping(ping))!, /secret differs/);
  const former = signed.ping(ping);
  former[0] = 1;
  assert.match(
    problem(signed, former)!,
    /have version 1, those of this node version 2: run the same version/,
  );
  assert.match(problem(unsigned, former)!, /^it has a cluster.secret/);
});

Deno.test("DatagramCodec: ignores invalid datagrams", () => {
  const codec = new DatagramCodec("");
  const of = (value: unknown) => {
    const body = new TextEncoder().encode(JSON.stringify(value));
    return new Uint8Array([1, ...new Uint8Array(16), ...body]);
  };
  const good = { ping: nonce, from: "n1", to: "n2", at: 1 };
  assert(codec.read(of(good)));
  const bad: Uint8Array[] = [
    new Uint8Array(0),
    new Uint8Array([65]),
    new Uint8Array(17).fill(1),
    new Uint8Array(1500).fill(1),
    new Uint8Array([1, ...new Uint8Array(16), 0xff, 0xfe]),
    new Uint8Array([2, ...of(good).subarray(1)]),
    of(null),
    of({ ...good, ping: "short" }),
    of({ ...good, from: "" }),
    of({ ...good, at: "now" }),
    of({ pong: nonce, from: "n1", free: -1 }),
    of({
      pong: nonce,
      from: "n1",
      free: 1,
      total: 1,
      cpu: 1,
      queue: 1,
      running: 1,
      vector: [0, 0, 1e12],
      height: 0,
      adjustment: 0,
      error: 1,
      warm: new Uint8Array(192).toBase64(),
    }),
  ];
  for (const bytes of bad) assert.equal(codec.read(bytes), undefined);
});

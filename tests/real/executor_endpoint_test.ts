import assert from "node:assert/strict";
import { ServerledgeError } from "../../lib/base/errors.ts";
import { FrameBatch } from "../../lib/runtime/wire/frames.ts";
import { ExecutorEndpoint } from "../../lib/runtime/wire/endpoint.ts";
import type { ResultMemory } from "../../lib/runtime/wire/result_memory.ts";
import { release } from "../../lib/json/quoted.ts";
import { dockerCall } from "../support/docker.ts";
import { closed, connect, openEndpoint, send } from "../support/executor_endpoint.ts";
import { eventually } from "../support/eventually.ts";
import { tempDir } from "../support/temp_dir.ts";
import { bytesOf } from "../../lib/runtime/sandbox/child_output.ts";

Deno.test("a connection without the token is closed, and the executor is still expected", async () => {
  await using world = await openEndpoint("right");
  await closed(await connect(world.socket, '{"token":"wrong"}'));
  await closed(await connect(world.socket, "not JSON"));
  const http = await Deno.connect({ transport: "unix", path: world.socket });
  await http.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  await closed(http);
  using _executor = await connect(world.socket, '{"token":"right"}');
  assert.equal((await world.endpoint.connected).calls, 0);
});

Deno.test("a hello of more than 4 KiB is refused before it is read", async () => {
  await using world = await openEndpoint("right");
  const before = Deno.memoryUsage().external;
  const conns = await Promise.all(Array.from({ length: 40 }, async () => {
    const conn = await Deno.connect({ transport: "unix", path: world.socket });
    await conn.write(Uint8Array.of(4, 0, 0, 0)); // 64 MiB
    return conn;
  }));
  await Promise.all(conns.map(closed));
  const grown = Deno.memoryUsage().external - before;
  assert.ok(grown < 16 << 20, `${grown} bytes are held`);
});

Deno.test("a few connections may be open before the hello, others are closed at once", async () => {
  await using world = await openEndpoint("right");
  const conns: Deno.UnixConn[] = [];
  for (let count = 0; count < 8; count++) {
    conns.push(await Deno.connect({ transport: "unix", path: world.socket }));
  }
  await Promise.all(conns.splice(4).map(closed));
  await send(conns[0]!, '{"token":"right"}');
  await world.endpoint.connected;
  // Nobody else is expected.
  await Promise.all(conns.splice(1).map(closed));
  await assert.rejects(Deno.connect({ transport: "unix", path: world.socket }));
  conns[0]!.close();
});

Deno.test("a connection that arrives when no descriptor is left is accepted later", async () => {
  await using dir = await tempDir("endpoint");
  const program = new URL("../support/fakes/overloaded_endpoint.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      'ulimit -n 100 && exec "$@"',
      "sh",
      Deno.execPath(),
      ...["run", "-A", "--no-check", program, `${dir.path}/node.sock`],
    ],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.equal(text, "connected when there was one again\n", new TextDecoder().decode(stderr));
});

Deno.test("replies find their calls in any order; a reply to no call is ignored", async () => {
  await using world = await openEndpoint("t");
  using executor = await connect(world.socket, '{"token":"t"}');
  const connection = await world.endpoint.connected;
  const calls = ["a", "b", "c"].map((id) => connection.invoke(dockerCall({ id })));
  const reply = (id: string) => JSON.stringify({ id, ok: true, result: `"${id}"`, output: "" });
  await send(executor, reply("c"), reply("nobody"), reply("a"), '{"id":"b"}');
  assert.deepEqual(await calls[0], { ok: true, result: '"a"', output: "" });
  assert.deepEqual(await calls[2], { ok: true, result: '"c"', output: "" });
  const wrong = await calls[1]!;
  assert.equal(!wrong.ok && wrong.failure.type, "BadReply");
  assert.equal(connection.calls, 0);
  assert.equal(connection.cancel("a"), false);
});

Deno.test("a broken frame ends the connection and its calls", async () => {
  for (const garbage of ["[]", "nonsense", '{"id":1}']) {
    await using world = await openEndpoint("t");
    const executor = await connect(world.socket, '{"token":"t"}');
    const connection = await world.endpoint.connected;
    const call = connection.invoke(dockerCall());
    await send(executor, garbage);
    await assert.rejects(call, { code: "FUNCTION_CRASHED" });
    await connection.closed;
    await closed(executor);
  }
});

Deno.test("a peer that does not read blocks no other, and its calls fail when it disconnects", async () => {
  await using slowWorld = await openEndpoint("slow");
  const slow = await connect(slowWorld.socket, '{"token":"slow"}');
  const slowConnection = await slowWorld.endpoint.connected;
  const text = "x".repeat(8 << 20);
  const stuck = slowConnection.invoke(dockerCall({ params: { text } }));
  const behind = slowConnection.invoke(dockerCall());
  await using world = await openEndpoint("quick");
  using quick = await connect(world.socket, '{"token":"quick"}');
  const connection = await world.endpoint.connected;
  const call = connection.invoke(dockerCall({ id: "q" }));
  await send(quick, '{"id":"q","ok":true,"result":"1","output":""}');
  assert.equal((await call).ok, true);
  slow.close();
  await assert.rejects(stuck, { code: "FUNCTION_CRASHED" });
  await assert.rejects(behind, { code: "FUNCTION_CRASHED" });
});

Deno.test("a path too long for a socket is refused with the remedy", () => {
  const path = `/tmp/${"x".repeat(120)}/node.sock`;
  assert.throws(() => ExecutorEndpoint.open({ path, token: "t" }), { code: "CONFIG_INVALID" });
});

Deno.test("output is forwarded when it arrives, and kept for its call's reply", async () => {
  await using world = await openEndpoint("t");
  const log = (id: string | null, text: string) => JSON.stringify({ log: id, text });
  using executor = await connect(world.socket, '{"token":"t"}', log(null, "loading\n"));
  using connection = await world.endpoint.connected;
  const received: string[] = [];
  connection.listen((id, text) => void received.push(`${id} ${text}`));
  const asked = connection.invoke(dockerCall({ id: "asked", returnOutput: true }));
  const unasked = connection.invoke(dockerCall({ id: "unasked" }));
  await send(executor, log("asked", "one\n"), log("unasked", "other\n"), log("asked", "two\n"));
  await eventually("all has come", () => received.length === 4);
  assert.equal(connection.output("asked"), "one\ntwo\n");
  const reply = (id: string) => JSON.stringify({ id, ok: true, result: "1", output: "rest\n" });
  await send(executor, reply("asked"), reply("unasked"), log("asked", "late\n"));
  await send(executor, log("another's", "forged\n"));
  assert.equal((await asked).output, "one\ntwo\nrest\n");
  assert.equal((await unasked).output, "");
  assert.equal(connection.output("asked"), "");
  await eventually("what is late is handed on, too", () => received.length === 8);
  assert.deepEqual(received, [
    "null loading\n",
    "asked one\n",
    "unasked other\n",
    "asked two\n",
    "asked rest\n",
    "unasked rest\n",
    "asked late\n",
    "null forged\n",
  ]);
});

Deno.test("a call that ends with its executor has its output", async () => {
  await using world = await openEndpoint("t");
  const executor = await connect(world.socket, '{"token":"t"}');
  using connection = await world.endpoint.connected;
  const call = connection.invoke(dockerCall({ id: "a" }));
  const silent = connection.invoke(dockerCall({ id: "b" }));
  await send(executor, '{"log":"a","text":"before the crash\\n"}');
  executor.close();
  await assert.rejects(call, {
    code: "FUNCTION_CRASHED",
    details: { output: "before the crash\n" },
  });
  await assert.rejects(silent, { code: "FUNCTION_CRASHED", details: undefined });
});

Deno.test("ExecutorConnection.follow: counts output of a pipe, also after the connection has closed", async () => {
  await using world = await openEndpoint("t");
  const executor = await connect(world.socket, '{"token":"t"}');
  using connection = await world.endpoint.connected;
  await using cat = new Deno.Command("cat", { stdin: "piped", stdout: "piped" }).spawn();
  const followed = connection.follow(bytesOf(cat.stdout));
  connection.explainTermination = async () => {
    await followed;
    return new ServerledgeError("FUNCTION_CRASHED", "gone");
  };
  const writer = cat.stdin.getWriter();
  const write = async (...frames: object[]) => {
    const batch = new FrameBatch();
    for (const frame of frames) batch.add(JSON.stringify(frame));
    await writer.write(batch.bytes().slice());
  };
  const first = connection.invoke(dockerCall({ id: "first", returnOutput: true }));
  const [answered, lost] = ["answered", "lost"].map((id) =>
    connection.invoke(dockerCall({ id, returnOutput: true }))
  );
  const reply = (id: string) => ({ id, ok: true, result: "1", output: "" });
  await write({ log: "first", text: "one\n" }, { log: "first", text: "two\n" }, reply("first"));
  assert.equal((await first).output, "one\ntwo\n");
  executor.close();
  await connection.closed;
  await write({ log: "answered", text: "done\n" }, reply("answered"));
  await write({ log: "lost", text: "last\n" });
  await writer.close();
  assert.equal((await answered!).output, "done\n");
  await assert.rejects(lost!, { message: "gone", details: { output: "last\n" } });
});

/** Memory for results that counts its reservations. */
function countedMemory() {
  const counts = { reserved: 0, taken: [] as number[] };
  const results: ResultMemory = {
    maxBytes: 16 << 20,
    take(bytes) {
      counts.reserved += bytes;
      counts.taken.push(bytes);
      return { hold() {}, [Symbol.dispose]: () => void (counts.reserved -= bytes) };
    },
  };
  return { counts, results };
}

const longText = "x".repeat(300_000);

Deno.test("ExecutorConnection: a long result of a reply that fails is released", async () => {
  const { counts, results } = countedMemory();
  await using world = await openEndpoint("t", results);
  const executor = await connect(world.socket, '{"token":"t"}');
  using connection = await world.endpoint.connected;
  const error = { type: "Own", message: "", traceback: "" };
  const replies = [
    [{ ok: false, error, output: "", result: longText }, "Own"],
    [{ ok: false, output: "", result: longText }, "BadReply"],
    [{ ok: true, result: longText }, "BadReply"],
    [{ ok: true, result: [longText], output: "" }, "BadReply"],
  ] as const;
  for (const [reply, type] of replies) {
    const call = connection.invoke(dockerCall({ id: "a" }));
    await send(executor, JSON.stringify({ id: "a", ...reply }));
    const got = await call;
    assert.equal(!got.ok && got.failure.type, type);
    await eventually(`the memory of ${type} is released`, () => counts.reserved === 0);
  }
  assert.equal(counts.taken.length, replies.length);
  await send(executor, JSON.stringify({ id: 1, ok: true, result: longText, output: "" }));
  await closed(executor);
  await connection.closed;
  assert.equal(counts.taken.length, replies.length + 1);
  assert.equal(counts.reserved, 0);
});

Deno.test("ExecutorConnection: reserves memory for a long reply, however it begins", async () => {
  const { counts, results } = countedMemory();
  await using world = await openEndpoint("t", results);
  const executor = await connect(world.socket, '{"token":"t"}');
  using connection = await world.endpoint.connected;
  const rest = `"ok":true,"result":"${longText}","output":""}`;
  for (const frame of [`{"id":"a",${rest}`, `{ "id":"a",${rest}`, `{"extra":1,"id":"a",${rest}`]) {
    const call = connection.invoke(dockerCall({ id: "a" }));
    await send(executor, frame);
    const reply = await call;
    assert.equal(reply.ok && reply.result.length, longText.length);
    assert.equal(counts.taken.pop(), frame.length);
    assert.equal(counts.reserved, frame.length);
    if (reply.ok) release(reply.result);
    assert.equal(counts.reserved, 0);
  }
  // A frame that begins like output is no reply; memory is reserved only if it is longer than output may be.
  const call = connection.invoke(dockerCall({ id: "a" }));
  await send(executor, `{"log":null,"text":"","id":"a",${rest}`);
  await send(executor, '{"id":"a","ok":true,"result":"1","output":""}');
  assert.deepEqual(await call, { ok: true, result: "1", output: "" });
  assert.deepEqual(counts.taken, []);
  const lost = connection.invoke(dockerCall());
  await send(executor, `{"log":null,"text":"","result":"${"x".repeat(9 << 20)}"}`);
  await send(executor, "{}");
  await assert.rejects(lost, { code: "FUNCTION_CRASHED" });
  await closed(executor);
  assert.equal(counts.taken.length, 1);
  assert.equal(counts.reserved, 0);
});

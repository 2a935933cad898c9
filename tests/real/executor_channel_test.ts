import assert from "node:assert/strict";
import { FrameBatch } from "../../lib/runtime/frames.ts";
import { ExecutorChannel } from "../../lib/runtime/channel.ts";
import { dockerCall } from "../support/docker.ts";
import { tempDir } from "../support/temp_dir.ts";

/** A channel on a socket of its own. */
async function open() {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("channel"));
  const socket = `${path}/node.sock`;
  const channel = stack.use(await ExecutorChannel.open(socket));
  const kept = stack.move();
  return { channel, socket, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Connects as an executor does, and sends frames. */
async function connect(socket: string, ...frames: string[]): Promise<Deno.UnixConn> {
  const conn = await Deno.connect({ transport: "unix", path: socket });
  await send(conn, ...frames);
  return conn;
}

async function send(conn: Deno.Conn, ...frames: string[]): Promise<void> {
  const batch = new FrameBatch();
  for (const frame of frames) batch.add(frame);
  const bytes = batch.bytes();
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Resolves when the other side has closed. */
async function closed(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    while (await conn.read(buffer) !== null);
  } catch {
    // Closed with bytes that nobody had read.
  }
  conn.close();
}

Deno.test("who does not know a token is turned away", async () => {
  await using world = await open();
  using _expected = world.channel.expect("right");
  await closed(await connect(world.socket, '{"token":"wrong"}'));
  await closed(await connect(world.socket, "not JSON"));
  const http = await Deno.connect({ transport: "unix", path: world.socket });
  await http.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  await closed(http);
});

Deno.test("a token works once", async () => {
  await using world = await open();
  using expected = world.channel.expect("once");
  using _first = await connect(world.socket, '{"token":"once"}');
  using connection = await expected.connected;
  assert.equal(connection.calls, 0);
  await closed(await connect(world.socket, '{"token":"once"}'));
});

Deno.test("replies find their calls in any order; one for nobody is ignored", async () => {
  await using world = await open();
  using expected = world.channel.expect("t");
  using executor = await connect(world.socket, '{"token":"t"}');
  using connection = await expected.connected;
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

Deno.test("a broken frame ends the connection and its calls, not the channel", async () => {
  await using world = await open();
  for (const garbage of ["[]", "nonsense", '{"id":1}']) {
    using expected = world.channel.expect("t");
    const executor = await connect(world.socket, '{"token":"t"}');
    using connection = await expected.connected;
    const call = connection.invoke(dockerCall());
    await send(executor, garbage);
    await assert.rejects(call, { code: "FUNCTION_CRASHED" });
    await connection.closed;
    await closed(executor);
  }
});

Deno.test("a peer that does not read blocks nobody else, and its calls fail when it goes", async () => {
  await using world = await open();
  using slowExpected = world.channel.expect("slow");
  const slow = await connect(world.socket, '{"token":"slow"}');
  using slowConnection = await slowExpected.connected;
  const text = "x".repeat(8 << 20);
  const stuck = slowConnection.invoke(dockerCall({ params: { text } }));
  const behind = slowConnection.invoke(dockerCall());
  using expected = world.channel.expect("quick");
  using quick = await connect(world.socket, '{"token":"quick"}');
  using connection = await expected.connected;
  const call = connection.invoke(dockerCall({ id: "q" }));
  await send(quick, '{"id":"q","ok":true,"result":"1","output":""}');
  assert.equal((await call).ok, true);
  slow.close();
  await assert.rejects(stuck, { code: "FUNCTION_CRASHED" });
  await assert.rejects(behind, { code: "FUNCTION_CRASHED" });
});

Deno.test("a path too long for a socket is refused with what to do", async () => {
  const path = `/tmp/${"x".repeat(120)}/node.sock`;
  await assert.rejects(ExecutorChannel.open(path), { code: "INVALID_REQUEST" });
});

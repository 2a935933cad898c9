/**
 * What every executor must do on the wire, as `lib/runtime/PROTOCOL.md` says it: the suite is the
 * node's side, frame by frame.
 *
 * @module
 */

import assert from "node:assert/strict";
import { closeQuietly } from "../../lib/base/close.ts";
import type { ByteSource } from "../../lib/runtime/sandbox/child_output.ts";
import { FrameBatch, FrameReader, receive } from "../../lib/runtime/wire/frames.ts";
import { partCost, streamWindow } from "../../lib/runtime/wire/stream_window.ts";

/** Longest that a frame is waited for. */
const frameMs = 20_000;
/** Length of the pieces that `flood` writes, bytes. */
const pieceBytes = 64 << 10;

/** A frame of an executor. */
export type Frame = Record<string, unknown>;

/** A started executor, whose functions may run two calls at once. */
export interface StartedExecutor extends AsyncDisposable {
  /** Where it connects to. */
  readonly listener: Deno.Listener;
  /** Description of the function for an executor that was started without one: `load` of its frame. */
  readonly load: Frame;
  /** Reads frames that the executor sends on another way than its connection; absent if there are none. */
  follow?(read: (source: ByteSource) => Promise<void>): void;
  /** Resolves when its process has ended. */
  ended(): Promise<void>;
}

/** An executor under test. */
export interface ExecutorUnderTest {
  /** Its name. */
  readonly name: string;
  /**
   * Starts it for a function that behaves so: `echo` gives its params, `noisy` writes `params.word` in
   * twenty lines, `fail` fails, `sleepy` never ends.
   *
   * @param token what it has to say
   * @param generic true if the function is loaded later
   */
  start(behaviour: string, token: string, generic: boolean): Promise<StartedExecutor>;
  /** True if it also knows `invokes`: invokes `params.name`, and gives `{ result }` or `{ code, message }`. */
  readonly invokes: boolean;
  /**
   * True if it also knows `flood`: responds with status 201, the header `x-kind: flood` and
   * `params.size` bytes, in pieces of 64 KiB, of which byte `i` is `i % 251`.
   */
  readonly streams: boolean;
  /** True if it is always started without a function. */
  readonly alwaysGeneric: boolean;
}

/** The node's end of the connection. */
class Wire implements Disposable {
  readonly #frames: ReadableStreamDefaultReader<string>;

  private constructor(readonly conn: Deno.Conn, { follow }: Pick<StartedExecutor, "follow">) {
    const start = (frames: ReadableStreamDefaultController<string>) => {
      void readFrames(conn, frames);
      follow?.((source) => readFrames(source, frames));
    };
    this.#frames = new ReadableStream<string>({ start }).getReader();
  }

  static async accept(started: StartedExecutor): Promise<Wire> {
    return new Wire(await within(started.listener.accept(), "a connection"), started);
  }

  /** Sends frames with one write. */
  async send(...frames: Frame[]): Promise<void> {
    await this.#write(encoded(frames));
  }

  /** Sends frames byte by byte. */
  async dribble(...frames: Frame[]): Promise<void> {
    for (const byte of encoded(frames)) await this.#write(Uint8Array.of(byte));
  }

  /** The next frame. */
  async text(): Promise<string> {
    const { value } = await within(this.#frames.read(), "a frame");
    return value!;
  }

  /** The next frame, parsed. */
  async next(): Promise<Frame> {
    return JSON.parse(await this.text());
  }

  /** All frames up to the reply to a call, which is the last. */
  async reply(id: string): Promise<Frame[]> {
    const frames: Frame[] = [];
    while (frames.at(-1)?.id !== id) frames.push(await this.next());
    return frames;
  }

  [Symbol.dispose](): void {
    closeQuietly(this.conn);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }
}

/** Runs a case with an executor that has said hello. */
type Greeted = (
  behaviour: string,
  run: (wire: Wire, started: StartedExecutor) => Promise<void>,
  generic?: boolean,
) => Promise<void>;

/**
 * Registers the suite.
 *
 * @param executor how it is started
 */
export function executorContract(executor: ExecutorUnderTest): void {
  const greeted: Greeted = async (behaviour, run, generic = false) => {
    await using started = await executor.start(behaviour, "the token", generic);
    using wire = await Wire.accept(started);
    assert.deepEqual(await wire.next(), { token: "the token" });
    if (executor.alwaysGeneric && !generic) await load(wire, started);
    await run(wire, started);
  };

  Deno.test(`executor: ${executor.name}`, async (t) => {
    await t.step(
      "a reply starts with its id, and its result is text with JSON",
      () =>
        greeted("echo", async (wire) => {
          const params = { text: 'ü "\\ \u2028', list: [1, null, true] };
          await wire.send(callOf("a", params));
          const text = await wire.text();
          assert.ok(text.startsWith('{"id":"a"'), text.slice(0, 40));
          const { ok, result, output } = JSON.parse(text);
          assert.deepEqual([ok, JSON.parse(result), output], [true, params, ""]);
        }),
    );

    await t.step(
      "calls that arrive together all get replies, whatever the pieces",
      () =>
        greeted("echo", async (wire) => {
          await wire.send(callOf("a", 1), callOf("b", 2));
          const replies = [await wire.next(), await wire.next()];
          const results = replies.map(({ id, result }) => `${id}${result}`).sort();
          assert.deepEqual(results, ["a1", "b2"]);
          await wire.dribble({ cancel: "a" }, callOf("c", 3));
          assert.equal((await wire.reply("c")).at(-1)!.result, "3");
        }),
    );

    await t.step(
      "output of a call arrives with its id, before its reply",
      () =>
        greeted("noisy", async (wire) => {
          await wire.send(callOf("n", { word: "hello" }));
          const frames = await wire.reply("n");
          const logs = frames.slice(0, -1);
          assert.ok(logs.every(({ log }) => log === "n"), JSON.stringify(logs));
          const written = logs.map(({ text }) => text).join("") + frames.at(-1)!.output;
          assert.equal(written, "hello\n".repeat(20));
        }),
    );

    await t.step(
      "a failure has type, message and traceback, and the next call runs",
      () =>
        greeted("fail", async (wire) => {
          for (const id of ["a", "b"]) {
            await wire.send(callOf(id, null));
            const { ok, error, output } = (await wire.reply(id)).at(-1)!;
            assert.equal(ok, false);
            const { type, message, traceback } = error as Frame;
            assert.deepEqual([type, message, traceback, output].map((one) => typeof one), [
              ...Array<string>(4).fill("string"),
            ]);
            assert.ok(type && message);
          }
        }),
    );

    await t.step({
      name: "a call invokes functions, and gets their results and errors",
      // Commands have no context.
      ignore: !executor.invokes,
      fn: () =>
        greeted("invokes", async (wire) => {
          const params = { text: 'ü "\\ \u2028' };
          await wire.send(callOf("a", { name: "g", params }), callOf("b", { name: "h" }));
          const asked = new Map<unknown, Frame>();
          for (let i = 0; i < 2; i++) {
            const text = await wire.text();
            const frame = JSON.parse(text);
            assert.ok(text.startsWith('{"invoke":'), text);
            assert.deepEqual(Object.keys(frame), ["invoke", "call", "function", "params"]);
            asked.set(frame.function, frame);
          }
          const [g, h] = [asked.get("g")!, asked.get("h")!];
          assert.deepEqual([g.call, g.params, h.call, h.params], ["a", params, "b", null]);
          const error = { code: "FORBIDDEN", message: "not you" };
          await wire.dribble(
            { invoked: 1e9, result: "1" },
            { invoked: h.invoke, error },
            { invoked: g.invoke, result: '{"n":1}' },
          );
          const replies = [await wire.next(), await wire.next()];
          const results = new Map(replies.map(({ id, result }) => [id, result]));
          assert.deepEqual(JSON.parse(results.get("b") as string), error);
          assert.deepEqual(JSON.parse(results.get("a") as string), { result: { n: 1 } });
        }),
    });

    await t.step(
      "a cancelled call gets a reply; cancelling an unknown call does nothing",
      () =>
        greeted("sleepy", async (wire) => {
          await wire.send(callOf("s", null), { cancel: "nobody" });
          await wire.send({ cancel: "s" });
          assert.equal((await wire.reply("s")).at(-1)!.ok, false);
        }),
    );

    await t.step(
      "a generic executor is specialized for a function",
      () =>
        greeted("echo", async (wire, started) => {
          await load(wire, started);
          await wire.send(callOf("a", { b: 1 }));
          assert.deepEqual(JSON.parse((await wire.reply("a")).at(-1)!.result as string), { b: 1 });
        }, true),
    );

    await t.step(
      "the executor exits when the node closes the connection",
      () =>
        greeted("echo", async (wire, started) => {
          wire[Symbol.dispose]();
          await within(started.ended(), "its end");
        }),
    );
  });
  if (executor.streams) streamContract(executor.name, greeted);
}

/** Registers the part of the suite for executors that stream responses. */
function streamContract(name: string, greeted: Greeted): void {
  Deno.test(`executor: ${name}, streams`, async (t) => {
    await t.step(
      "a stream has a head and its bytes in order, and stops while nothing is taken",
      () =>
        greeted("flood", async (wire) => {
          const size = 2 << 20;
          await wire.send(callOf("a", { size }, true));
          const a = new StreamReader("a");
          await a.readHead(wire);
          while (a.hasRoom) a.accept(await wire.next());
          // The reply follows whatever else would be sent on the way of the parts.
          await wire.send(callOf("b", { size: 2 * pieceBytes }, true));
          const b = new StreamReader("b");
          await b.readHead(wire);
          await b.readAll(wire);
          assert.equal(b.length, 2 * pieceBytes);
          await a.take(wire);
          await a.readAll(wire);
          assert.equal(a.length, size);
        }),
    );

    await t.step(
      "a cancelled stream that waits for its reader gets a reply",
      () =>
        greeted("flood", async (wire) => {
          await wire.send(callOf("a", { size: 2 << 20 }, true));
          const a = new StreamReader("a");
          await a.readHead(wire);
          while (a.hasRoom) a.accept(await wire.next());
          await wire.send({ cancel: "a" });
          assert.equal((await wire.reply("a")).at(-1)!.ok, false);
        }),
    );

    await t.step(
      "a call without `stream` has its whole response in its reply",
      () =>
        greeted("flood", async (wire) => {
          await wire.send(callOf("a", { size: 4 * pieceBytes }));
          const [{ ok, result }, ...more] = await wire.reply("a") as [Frame, ...Frame[]];
          assert.deepEqual([ok, more], [true, []]);
          const { statusCode, body } = JSON.parse(result as string);
          assert.equal(statusCode, 201);
          assertPattern(Uint8Array.fromBase64(body), 0);
        }),
    );
  });
}

/** The node's side of a streamed response. */
class StreamReader {
  /** Number of bytes that have arrived. */
  length = 0;
  #untaken = 0;

  constructor(readonly id: string) {}

  /** True if the executor may send another piece. */
  get hasRoom(): boolean {
    return this.#untaken + pieceBytes <= streamWindow;
  }

  async readHead(wire: Wire): Promise<void> {
    const { part, status, headers, ...more } = await wire.next();
    assert.deepEqual([part, status, Object.keys(more)], [this.id, 201, []]);
    assert.equal(new Headers(headers as [string, string][]).get("x-kind"), "flood");
  }

  /** Checks the next bytes. */
  accept({ part, data, ...more }: Frame): void {
    assert.deepEqual([part, Object.keys(more)], [this.id, []]);
    const bytes = Uint8Array.fromBase64(data as string);
    assertPattern(bytes, this.length);
    this.length += bytes.length;
    this.#untaken += partCost(bytes.length);
    assert.ok(this.#untaken <= streamWindow, `${this.#untaken} bytes were sent and not taken`);
  }

  /** Reports everything as taken. */
  async take(wire: Wire): Promise<void> {
    await wire.send({ taken: this.id, cost: this.#untaken });
    this.#untaken = 0;
  }

  /** Takes all further parts, up to the reply, which must report a success. */
  async readAll(wire: Wire): Promise<void> {
    let frame = await wire.next();
    for (; frame.id === undefined; frame = await wire.next()) {
      this.accept(frame);
      await this.take(wire);
    }
    assert.deepEqual([frame.id, frame.ok], [this.id, true]);
  }
}

/** Asserts that these are the bytes of `flood` from an offset on. */
function assertPattern(bytes: Uint8Array, from: number): void {
  const wrong = bytes.findIndex((byte, i) => byte !== (from + i) % 251);
  assert.equal(wrong, -1, `byte ${from + wrong} is another one`);
}

/** Loads the function into an executor that was started without one. */
async function load(wire: Wire, started: StartedExecutor): Promise<void> {
  await wire.send({ id: "load", load: started.load });
  const { ok, result, error } = (await wire.reply("load")).at(-1)!;
  assert.deepEqual([ok, result, error], [true, "null", undefined]);
}

function callOf(id: string, params: unknown, stream = false): Frame {
  return { id, timeoutMs: 600_000, output: true, ...(stream ? { stream } : {}), params };
}

async function readFrames(
  source: ByteSource,
  frames: ReadableStreamDefaultController<string>,
): Promise<void> {
  const reader = new FrameReader();
  try {
    while (await receive(source, reader)) {
      for (let text = reader.next(); text !== undefined; text = reader.next()) frames.enqueue(text);
    }
    throw new Error("it has closed");
  } catch (error) {
    frames.error(error);
  }
}

function encoded(frames: readonly Frame[]): Uint8Array {
  const batch = new FrameBatch();
  for (const frame of frames) batch.add(JSON.stringify(frame));
  return batch.bytes();
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} did not come`)), frameMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What every executor must do on the wire, as `lib/runtime/PROTOCOL.md` says it: the suite is the
 * node's side, frame by frame.
 *
 * @module
 */

import { closeQuietly } from "../../lib/base/close.ts";
import assert from "node:assert/strict";
import { FrameBatch, FrameReader } from "../../lib/runtime/wire/frames.ts";
import { receive } from "../../lib/runtime/wire/frames.ts";

/** Longest that a frame is waited for. */
const frameMs = 20_000;

/** A frame of an executor. */
export type Frame = Record<string, unknown>;

/** A started executor, whose functions may run two calls at once. */
export interface StartedExecutor extends AsyncDisposable {
  /** Where it connects to. */
  readonly listener: Deno.Listener;
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
   * @param generic true if the variables of the function come later
   */
  start(behaviour: string, token: string, generic: boolean): Promise<StartedExecutor>;
  /** True if it also knows `invokes`: invokes `params.name`, and gives `{ result }` or `{ code, message }`. */
  readonly invokes: boolean;
  /** Variables of the function, for an executor that was started for none. */
  variables(behaviour: string): Record<string, string>;
}

/** The node's end of the connection. */
class Wire implements Disposable {
  readonly #reader = new FrameReader();

  constructor(readonly conn: Deno.Conn) {}

  static async accept({ listener }: StartedExecutor): Promise<Wire> {
    return new Wire(await within(listener.accept(), "a connection"));
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
    for (;;) {
      const text = this.#reader.next();
      if (text !== undefined) return text;
      assert.ok(await within(receive(this.conn, this.#reader), "a frame"), "it has closed");
    }
  }

  /** All frames up to the reply to a call, which is the last. */
  async reply(id: string): Promise<Frame[]> {
    const frames: Frame[] = [];
    while (frames.at(-1)?.id !== id) frames.push(JSON.parse(await this.text()));
    return frames;
  }

  [Symbol.dispose](): void {
    closeQuietly(this.conn);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }
}

/**
 * Registers the suite.
 *
 * @param executor how it is started
 */
export function executorContract(executor: ExecutorUnderTest): void {
  /** Runs a case with an executor that has said hello. */
  const greeted = async (
    behaviour: string,
    run: (wire: Wire, started: StartedExecutor) => Promise<void>,
    generic = false,
  ) => {
    await using started = await executor.start(behaviour, "the token", generic);
    using wire = await Wire.accept(started);
    assert.deepEqual(JSON.parse(await wire.text()), { token: "the token" });
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
          const replies: Frame[] = [JSON.parse(await wire.text()), JSON.parse(await wire.text())];
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
          const replies: Frame[] = [JSON.parse(await wire.text()), JSON.parse(await wire.text())];
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
        greeted("echo", async (wire) => {
          await wire.send({ id: "load", load: { env: executor.variables("echo") } });
          const { ok, result } = (await wire.reply("load")).at(-1)!;
          assert.deepEqual([ok, result], [true, "null"]);
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
}

function callOf(id: string, params: unknown): Frame {
  return { id, timeoutMs: 600_000, output: true, params };
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

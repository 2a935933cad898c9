/**
 * What every execution environment must do, for each of its runtimes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ServerledgeError } from "../../lib/base/errors.ts";
import type { JsonObject } from "../../lib/json/json.ts";
import type { FunctionRecord } from "../../lib/model/function.ts";
import type {
  Call,
  ExecutionEnvironment,
  FunctionFailure,
  Instance,
  Reply,
} from "../../lib/runtime/environment.ts";
import { eventually } from "../support/eventually.ts";

/** An environment under test, and what it leaves outside. */
export interface EnvironmentWorld extends AsyncDisposable {
  /** The environment. */
  readonly environment: ExecutionEnvironment;
  /** Instances that exist, whoever made them. */
  instances(): Promise<string[]>;
  /** What its functions have written. */
  readonly written: readonly Written[];
}

/** Something that a function has written. */
export interface Written {
  /** The function. */
  readonly name: string;
  /** The call, null if it was outside of any. */
  readonly id: string | null;
  /** What. */
  readonly text: string;
}

/** What is special of a call; its params are values. */
export type CallChange = Partial<Omit<Call, "params">> & {
  readonly params?: JsonObject | null;
};

/** How the suite uses one runtime. */
export interface RuntimeUnderTest {
  /** Id of the runtime. */
  readonly runtime: string;
  /** A function that does what the suite calls by this name. */
  record(behaviour: string, change?: Partial<FunctionRecord>): FunctionRecord;
  /** A call with an id of its own. */
  call(change?: CallChange): Call;
  /** Class of the error that `fail` throws. */
  readonly errorType: string;
  /** Its message, if it is not `bad value`. */
  readonly errorMessage?: string;
  /** Behaviours that functions of the runtime cannot have, and why; other tests show what they do. */
  readonly lacks?: Partial<Record<"crash" | "greedy" | "stray", string>>;
  /** True if one instance runs several calls at once. */
  readonly concurrent: boolean;
  /**
   * True if a cancelled call ends with a reply, false if with the loss of its instance, `never` if it
   * goes on until its instance is removed.
   */
  readonly interrupts: boolean | "never";
}

/**
 * Registers the suite.
 *
 * @param kind how to use the runtime
 * @param open opens the environment
 */
export function environmentContract(
  kind: RuntimeUnderTest,
  open: () => Promise<EnvironmentWorld>,
): void {
  Deno.test(`environment: ${kind.runtime}`, async (t) => {
    await using world = await open();
    const suite = new Suite(kind, world);
    const { lacks = {} } = kind;
    const cases: [string, () => Promise<void>][] = [
      ["a call gets its params and gives its result", () => suite.success()],
      ["null params arrive as null", () => suite.nullParams()],
      ["text of any script passes both ways", () => suite.unicode()],
      ["10 MB pass both ways", () => suite.large()],
      ["output comes with success only if asked for", () => suite.output()],
      ["output is kept with its call, asked for or not", () => suite.keptOutput()],
      ["a failure carries its type, message and output", () => suite.failure()],
      ["an instance keeps its state between calls", () => suite.state()],
      ["a cancelled call ends", () => suite.cancel()],
      ["removal during a call fails it", () => suite.removal()],
      ["a call that never ends does so with its instance", () => suite.deadline()],
      ["a start that is given up leaves nothing", () => suite.abortedStart()],
    ];
    if (!lacks.crash) {
      cases.push(["a crash fails the call and tells the exit status", () => suite.crash()]);
    }
    if (!lacks.greedy) {
      cases.push(["too much memory fails the call and tells so", () => suite.outOfMemory()]);
    }
    if (!lacks.stray) {
      cases.push(["what is written next to captured output is kept", () => suite.logs()]);
    }
    if (kind.concurrent) {
      cases.push(["outputs of overlapping calls stay apart", () => suite.overlap()]);
    }
    for (const [name, run] of cases) await t.step(name, run);
    await t.step("nothing is left behind", () => suite.nothingLeft());
  });
}

const never = new AbortController().signal;

/** The cases, each with instances of its own. */
class Suite {
  readonly #kind: RuntimeUnderTest;
  readonly #world: EnvironmentWorld;

  constructor(kind: RuntimeUnderTest, world: EnvironmentWorld) {
    this.#kind = kind;
    this.#world = world;
  }

  async success(): Promise<void> {
    await using instance = await this.#start("echo");
    const reply = await this.#invoke(instance, { params: { a: [1, "two", null] } });
    assert.deepEqual(value(reply), { a: [1, "two", null] });
  }

  async nullParams(): Promise<void> {
    await using instance = await this.#start("echo");
    assert.equal(value(await this.#invoke(instance, { params: null })), null);
  }

  async unicode(): Promise<void> {
    await using instance = await this.#start("echo");
    const params = { "schlüssel": 'grüße, 世界 🌍 \u0000 " \\ \u2028', "": "\ud800" };
    const reply = value(await this.#invoke(instance, { params })) as typeof params;
    assert.equal(reply["schlüssel"], params["schlüssel"]);
  }

  async large(): Promise<void> {
    await using instance = await this.#start("large", { memoryMib: 512 });
    const text = "ü0123456789".repeat(1_000_000);
    const reply = value(await this.#invoke(instance, { params: { text } })) as { text: string };
    assert.ok(reply.text === text, "the text came back unchanged");
    assert.ok(value(await this.#invoke(instance, { params: { text: "small" } })));
  }

  async output(): Promise<void> {
    const change = { params: { word: "hello", count: 1 } };
    await using instance = await this.#start("noisy");
    const asked = await this.#invoke(instance, { ...change, returnOutput: true });
    assert.match(asked.output, /hello\n|said echo\n/);
    assert.equal((await this.#invoke(instance, change)).output, "");
  }

  async keptOutput(): Promise<void> {
    await using instance = await this.#start("noisy");
    const calls = ["hello", "again"].map((word) =>
      this.#kind.call({ params: { word, count: 1 }, returnOutput: word === "hello" })
    );
    for (const call of calls) value(await instance.invoke(call));
    const [first, second] = calls.map(({ id }) => this.#written(id));
    assert.match(first!, /hello\n|said echo\n/);
    assert.match(second!, /again\n|said echo\n/);
    const left = await Promise.all(calls.map(({ id }) => instance.output(id)));
    assert.deepEqual(left, ["", ""], "they have ended");
  }

  async failure(): Promise<void> {
    await using instance = await this.#start("fail");
    for (let i = 0; i < 2; i++) {
      const reply = await this.#invoke(instance);
      const { type, message } = failure(reply);
      assert.equal(type, this.#kind.errorType);
      assert.equal(message, this.#kind.errorMessage ?? "bad value");
      assert.match(reply.output, /before the failure|said fail/);
    }
  }

  async state(): Promise<void> {
    await using instance = await this.#start("count");
    assert.equal(value(await this.#invoke(instance)), 1);
    assert.equal(value(await this.#invoke(instance)), 2);
  }

  async crash(): Promise<void> {
    await using instance = await this.#start("crash");
    const error = await crashed(this.#invoke(instance));
    assert.match(error.message, /status 3/);
    assert.equal(error.details!.exitCode, 3);
    assert.equal(error.details!.oomKilled, false);
    assert.equal((await (await instance.terminated).reason).code, "FUNCTION_CRASHED");
  }

  async outOfMemory(): Promise<void> {
    await using instance = await this.#start("greedy", { memoryMib: 96 });
    const error = await crashed(this.#invoke(instance));
    assert.match(error.message, /more than its 96 MiB/);
    assert.equal(error.details!.oomKilled, true);
    assert.equal((await (await instance.terminated).reason).code, "FUNCTION_CRASHED");
  }

  async cancel(): Promise<void> {
    await using instance = await this.#start("sleepy");
    const call = this.#kind.call({ timeoutMs: 600_000 });
    const running = instance.invoke(call);
    instance.cancel("no such call");
    instance.cancel(call.id);
    if (this.#kind.interrupts === true) assert.ok(failure(await running));
    else {
      const loss = crashed(running);
      if (this.#kind.interrupts === "never") await instance[Symbol.asyncDispose]();
      await loss;
    }
    instance.cancel(call.id);
  }

  async removal(): Promise<void> {
    const instance = await this.#start("sleepy");
    const running = crashed(instance.invoke(this.#kind.call()));
    await Promise.all([instance[Symbol.asyncDispose](), instance[Symbol.asyncDispose]()]);
    assert.match((await running).message, /removed/);
    assert.ok(!(await this.#world.instances()).includes(instance.id));
  }

  /** What the node does when a call is not back by its deadline. */
  async deadline(): Promise<void> {
    const instance = await this.#start("spin");
    const call = this.#kind.call({ timeoutMs: 100 });
    const running = instance.invoke(call).then(
      (reply) => assert.ok(!reply.ok, JSON.stringify(reply)),
      (error: ServerledgeError) => assert.equal(error.code, "FUNCTION_CRASHED", error.message),
    );
    instance.cancel(call.id);
    await instance[Symbol.asyncDispose]();
    await running;
    assert.ok(!(await this.#world.instances()).includes(instance.id));
  }

  async abortedStart(): Promise<void> {
    const reason = new ServerledgeError("CANCELLED", "given up");
    const before = (await this.#world.instances()).length;
    // At each number of turns of the event loop a start is in another phase.
    for (const turns of [0, 1, 10, 100, 1000]) {
      const start = (signal: AbortSignal) =>
        this.#world.environment.start(this.#kind.record("echo"), signal);
      await giveUpStart(start, turns, reason);
      assert.equal((await this.#world.instances()).length, before);
    }
  }

  async logs(): Promise<void> {
    await using instance = await this.#start("stray");
    const call = this.#kind.call({ params: {} });
    await instance.invoke(call);
    await eventually("what was written is kept", async () => {
      const text = this.#written(call.id) + await strayOutput(this.#world, instance);
      return /descriptor 1|starting echo/.test(text);
    });
  }

  async overlap(): Promise<void> {
    const words = ["alpha", "beta", "gamma", "delta"];
    await using instance = await this.#start("noisy", { maxConcurrency: words.length });
    const replies = await Promise.all(
      words.map((word) => this.#invoke(instance, { params: { word }, returnOutput: true })),
    );
    for (const [i, word] of words.entries()) {
      assert.equal(value(replies[i]!), word);
      assert.equal(replies[i]!.output, `${word}\n`.repeat(20));
    }
    await using other = await this.#start("meet", { maxConcurrency: 4 });
    const met = await Promise.all(
      words.map(() => this.#invoke(other, { params: { count: words.length } })),
    );
    assert.deepEqual(met.map(value), ["met", "met", "met", "met"]);
  }

  async nothingLeft(): Promise<void> {
    assert.deepEqual(await this.#world.instances(), []);
  }

  #written(id: string): string {
    return this.#world.written.filter((one) => one.id === id).map(({ text }) => text).join("");
  }

  #start(behaviour: string, change?: Partial<FunctionRecord>): Promise<Instance> {
    return this.#world.environment.start(this.#kind.record(behaviour, change), never);
  }

  #invoke(instance: Instance, change?: CallChange): Promise<Reply> {
    return instance.invoke(this.#kind.call(change));
  }
}

/** What an environment's functions have written outside of calls, and what an instance has still to tell. */
export async function strayOutput(
  world: Pick<EnvironmentWorld, "written">,
  instance: Instance,
): Promise<string> {
  const ofNoCall = world.written.filter(({ id }) => id === null).map(({ text }) => text).join("");
  const untold = await instance.logs(10);
  return ofNoCall + untold.map(({ text }) => `${text}\n`).join("");
}

/**
 * Gives a start up after some turns of the event loop, and removes the instance if there is one by then.
 *
 * @param start begins it
 * @param turns of the event loop
 * @param reason the only one with which the start may fail
 */
export async function giveUpStart(
  start: (signal: AbortSignal) => Promise<Instance>,
  turns: number,
  reason: Error,
): Promise<void> {
  const abort = new AbortController();
  const outcome = start(abort.signal).then(
    (instance) => instance[Symbol.asyncDispose](),
    (error) => error,
  );
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  abort.abort(reason);
  const error = await outcome;
  assert.ok(error === undefined || error === reason, String(error));
}

/** The value that a successful reply holds. */
export function value(reply: Reply): unknown {
  assert.ok(reply.ok, JSON.stringify(reply));
  return JSON.parse(String(reply.result));
}

/** What went wrong in a failed reply. */
export function failure(reply: Reply): FunctionFailure {
  assert.ok(!reply.ok, JSON.stringify(reply));
  return reply.failure;
}

/** Waits for a call to fail with the loss of its instance. */
export async function crashed(running: Promise<Reply>): Promise<ServerledgeError> {
  const outcome = await running.catch((error: unknown) => error);
  assert.ok(outcome instanceof ServerledgeError, JSON.stringify(outcome));
  assert.equal(outcome.code, "FUNCTION_CRASHED", outcome.message);
  return outcome;
}

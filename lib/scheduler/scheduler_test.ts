import assert from "node:assert/strict";
import { FakeEnvironment, fakeRecord, settle } from "../../tests/support/fakes/fake_environment.ts";
import { defaultPolicy } from "../../policies/default.ts";
import { noPeers } from "../cluster/peers/no_peers.ts";
import { ManualClock } from "../base/clock.ts";
import { Deadlines } from "../base/deadlines.ts";
import type { ServerledgeError } from "../base/errors.ts";
import type { FunctionRecord } from "../model/function.ts";
import { defaultRequest, type InvokeRequest } from "../model/invocation.ts";
import { noParams, type Params, paramsOf } from "../model/params.ts";
import { QosClasses } from "../model/qos.ts";
import { ResourceLedger } from "../pool/resource_ledger.ts";
import { Pool } from "../pool/pool.ts";
import type { InvocationEnd } from "./observer.ts";
import { Scheduler } from "./scheduler.ts";

function setUp(
  { memory = 1000, parallelStarts = 4, queueCapacity = 100, record = fakeRecord() } = {},
) {
  const environment = new FakeEnvironment();
  const clock = new ManualClock();
  const ledger = new ResourceLedger({ memoryMib: memory, cpu: 4 });
  const pool = new Pool({ ledger, environment: () => environment, clock, parallelStarts });
  const functions = new Map([[record.Name, record]]);
  const ends: InvocationEnd[] = [];
  /** Where functions were interrupted. */
  const wrote: string[] = [];
  const scheduler = new Scheduler({
    node: { id: "n", area: "A" },
    clock,
    deadlines: new Deadlines(clock),
    policy: defaultPolicy({ random: () => 0, now: () => clock.now(), settings: {} }),
    pool,
    ledger,
    peers: noPeers,
    classes: new QosClasses([]),
    maxHops: 1,
    find: (name) => functions.get(name),
    supports: () => true,
    keepsLargeIntegers: () => true,
    queueCapacity,
    defaultTimeoutMs: 60_000,
    observer: {
      ended: (end) => ends.push(end),
      stopped: (_name, _id, traceback) => wrote.push(traceback),
    },
  });
  const submit = (request: Partial<InvokeRequest> = {}, name = record.Name) => {
    const invocation = scheduler.submit(name, { ...defaultRequest, ...request });
    invocation.done.catch(() => {});
    return invocation;
  };
  return { environment, clock, ledger, pool, functions, scheduler, submit, ends, wrote, record };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => "OK", (error: ServerledgeError) => error.code);

async function finishStarts({ environment }: ReturnType<typeof setUp>): Promise<void> {
  await settle();
  while (environment.starts.length > 0) {
    environment.finishStart();
    await settle();
  }
}

Deno.test("a cold invocation reports the start it waited for", async () => {
  const set = setUp();
  const invocation = set.submit();
  await settle();
  set.clock.advance(150);
  await finishStarts(set);
  set.clock.advance(20);
  set.environment.made[0]!.reply({ result: '"hi"' });
  const { report } = await invocation.done;
  assert.equal(report.result, '"hi"');
  assert.deepEqual([report.isWarmStart, report.startTier], [false, "full"]);
  assert.equal(report.initTimeS, 0.15);
  assert.equal(report.queueingTimeS, 0);
  assert.equal(report.durationS, 0.02);
  assert.equal(report.responseTimeS, 0.17);
  assert.deepEqual([report.executionNode, report.executionArea], ["n", "A"]);
  const warm = set.submit();
  set.environment.made[0]!.reply();
  const { isWarmStart, startTier } = (await warm.done).report;
  assert.deepEqual([isWarmStart, startTier], [true, "warm"]);
  assert.deepEqual(set.ends.map(({ tier }) => tier), ["full", "warm"]);
});

Deno.test("a burst starts no more instances than it needs, and everybody is served", async () => {
  const set = setUp({ memory: 1600, parallelStarts: 2 });
  const burst = Array.from({ length: 64 }, () => set.submit());
  await settle();
  assert.equal(set.environment.starts.length, 2);
  set.environment.finishStart();
  await settle();
  const [first] = set.environment.made;
  // Who waits takes the instance that comes free, not the one started for it.
  for (let served = 0; served < 64; served++) {
    first!.reply();
    await settle();
    if (first!.calls.size === 0) break;
  }
  assert.deepEqual(
    new Set(await Promise.all(burst.map(({ done }) => codeOf(done)))),
    new Set(["OK"]),
  );
  assert(set.environment.made.length + set.environment.starts.length <= 4);
});

Deno.test("a line that moves faster than an instance starts needs no more instances", async () => {
  const set = setUp();
  const cold = set.submit();
  await settle();
  set.clock.advance(150);
  await finishStarts(set);
  set.clock.advance(1);
  set.environment.made[0]!.reply();
  await cold.done;
  const line = Array.from({ length: 20 }, () => set.submit());
  await settle();
  assert.equal(set.environment.starts.length, 0, "20 ms of line against 150 ms of start");
  set.clock.advance(200); // whatever was expected, the line does not move
  await settle();
  assert(set.environment.starts.length > 0);
  for (const { done } of line) done.catch(() => {});
});

Deno.test("without a queue as many are admitted as instances fit", async () => {
  const set = setUp({ memory: 300, queueCapacity: 0 });
  const burst = Array.from({ length: 5 }, () => set.submit());
  await finishStarts(set);
  for (const instance of set.environment.made) instance.reply();
  const codes = await Promise.all(burst.map(({ done }) => codeOf(done)));
  assert.deepEqual(codes, ["OK", "OK", "OK", "NODE_SATURATED", "NODE_SATURATED"]);
});

Deno.test("the queue is bounded and in order of arrival", async () => {
  const set = setUp({ memory: 100, queueCapacity: 2 });
  const all = Array.from({ length: 4 }, (_, n) => set.submit({ params: paramsOf({ n }) }));
  await finishStarts(set);
  assert.equal(await codeOf(all[3]!.done), "NODE_SATURATED");
  const [instance] = set.environment.made;
  for (const invocation of all.slice(0, 3)) {
    assert.deepEqual([...instance!.calls.keys()], [invocation.id]);
    set.clock.advance(10);
    instance!.reply();
    await settle();
  }
  assert.equal((await all[2]!.done).report.queueingTimeS, 0.02);
});

Deno.test("a function too large for the node is refused, not queued", async () => {
  const set = setUp({ memory: 50 });
  await assert.rejects(set.submit().done, {
    code: "NO_SUITABLE_NODE",
    message:
      /asks for \d+ MiB of memory, and this node has 50 for instances \(container\.pool\.memory\)/,
  });
});

Deno.test("a function that fails answers with its error, traceback and output", async () => {
  const set = setUp();
  const invocation = set.submit();
  await finishStarts(set);
  set.environment.made[0]!.reply({
    ok: false,
    failure: { type: "ValueError", message: "no", traceback: "line 1" },
    output: "said",
  });
  const error = await invocation.done.catch((error) => error);
  assert.equal(error.code, "FUNCTION_ERROR");
  assert.deepEqual(error.details, {
    error: { type: "ValueError", message: "no" },
    traceback: "line 1",
    output: "said",
  });
  assert.equal(set.environment.living.length, 1, "the instance is fine");
});

Deno.test("the deadline interrupts; an instance that does not stop is removed", async () => {
  const set = setUp({ record: fakeRecord({ TimeoutMs: 1000 }) });
  const invocation = set.submit();
  await finishStarts(set);
  set.clock.advance(1010);
  assert.equal(await codeOf(invocation.done), "DEADLINE_EXCEEDED");
  const [instance] = set.environment.made;
  assert.deepEqual(instance!.cancelled, [invocation.id]);
  assert.equal(instance!.disposed, false);
  set.clock.advance(600);
  await settle();
  assert.equal(instance!.disposed, true);
  assert.equal(set.ledger.freeMemory, 1000);
});

Deno.test("an instance that stops in time is kept", async () => {
  const set = setUp();
  const invocation = set.submit({ maxResponseS: 1 });
  await finishStarts(set);
  set.clock.advance(1010);
  assert.equal(await codeOf(invocation.done), "DEADLINE_EXCEEDED");
  const failure = { type: "Interrupted", message: "", traceback: "" };
  set.environment.made[0]!.reply({ ok: false, failure });
  await settle();
  set.clock.advance(10_000);
  await settle();
  assert.equal(set.environment.living.length, 1);
  const next = set.submit();
  set.environment.made[0]!.reply();
  assert.equal(await codeOf(next.done), "OK");
});

Deno.test("an executor that interrupts a moment before the node does so is late all the same", async () => {
  const set = setUp({ record: fakeRecord({ TimeoutMs: 101 }) });
  const invocation = set.submit();
  await finishStarts(set);
  const failure = { type: "Interrupted", message: "its time was up", traceback: "" };
  set.clock.advance(102); // the node's deadlines go by ticks of 5 ms
  set.environment.made[0]!.reply({ ok: false, failure, output: "said" });
  const late: ServerledgeError = await invocation.done.catch((error) => error);
  assert.equal(late.code, "DEADLINE_EXCEEDED");
  assert.equal(late.details?.output, "said");
});

Deno.test("an interrupted function's error has what it wrote until then", async () => {
  for (const end of ["deadline", "cancel"]) {
    const set = setUp();
    const invocation = set.submit({ maxResponseS: 1 });
    await finishStarts(set);
    set.environment.made[0]!.written = "working\n";
    if (end === "cancel") invocation.cancel();
    else set.clock.advance(1010);
    const error: ServerledgeError = await invocation.done.catch((error) => error);
    assert.equal(error.code, end === "cancel" ? "CANCELLED" : "DEADLINE_EXCEEDED");
    assert.equal(error.details?.output, "working\n");
  }
});

Deno.test("where a function was interrupted is told once it has ended", async () => {
  const set = setUp();
  const invocation = set.submit({ maxResponseS: 1 });
  await finishStarts(set);
  set.clock.advance(1010);
  assert.equal(await codeOf(invocation.done), "DEADLINE_EXCEEDED");
  const failure = { type: "Interrupted", message: "", traceback: "at line 1" };
  set.environment.made[0]!.reply({ ok: false, failure, output: "said\n" });
  await settle();
  assert.deepEqual(set.wrote, ["at line 1"]);
});

Deno.test("a function's own limit bounds its execution, not the wait for an instance", async () => {
  const set = setUp({ record: fakeRecord({ TimeoutMs: 100 }) });
  const invocation = set.submit();
  await settle();
  set.clock.advance(500); // a start of half a second
  await finishStarts(set);
  set.clock.advance(50);
  set.environment.made[0]!.reply();
  assert.equal(await codeOf(invocation.done), "OK");
});

Deno.test("who is refused with places left in the queue is not told that it is full", async () => {
  const set = setUp({ memory: 100 });
  const first = set.submit();
  await finishStarts(set);
  set.clock.advance(1000);
  set.environment.made[0]!.reply();
  await first.done;
  set.submit();
  const second = set.submit({ maxResponseS: 0.5 });
  const refused: ServerledgeError = await second.done.catch((error) => error);
  assert.equal(refused.code, "NODE_SATURATED");
  assert.match(refused.message, /within the request's limit/);
  assert.match(refused.message, / 100 MiB of memory \(MemoryMB\), and 0 of 100 are free/);
});

Deno.test("who is refused by a full queue is told whether memory or CPU lacks", async () => {
  const lackOf = async (values: Parameters<typeof setUp>[0], calls: number) => {
    const set = setUp({ ...values, queueCapacity: 0 });
    for (let call = 0; call < calls; call++) set.submit();
    await finishStarts(set);
    const refused: ServerledgeError = await set.submit().done.catch((error) => error);
    assert.equal(refused.code, "NODE_SATURATED");
    return refused.message;
  };
  assert.match(await lackOf({ memory: 150 }, 1), /100 MiB .* 50 of 150 .*container\.pool\.memory/);
  const demanding = fakeRecord({ CPUDemand: 3 });
  assert.match(await lackOf({ record: demanding }, 1), /3 CPUs .* 1 of 4 .*container\.pool\.cpus/);
});

Deno.test("a deadline in the queue answers without running", async () => {
  const set = setUp({ memory: 100 });
  set.submit();
  await finishStarts(set);
  const late = set.submit({ maxResponseS: 0.5 });
  set.clock.advance(510);
  const error: ServerledgeError = await late.done.catch((error) => error);
  assert.equal(error.code, "DEADLINE_EXCEEDED");
  assert.match(error.message, /until its deadline: .* 0 of 100 are free/);
  assert.equal(set.scheduler.waiting, 0);
});

Deno.test("a client that leaves cancels, waiting or running", async () => {
  const set = setUp({ memory: 100 });
  const running = set.submit();
  await finishStarts(set);
  const waiting = set.submit();
  waiting.cancel();
  running.cancel();
  running.cancel();
  assert.deepEqual(await Promise.all([running, waiting].map(({ done }) => codeOf(done))), [
    "CANCELLED",
    "CANCELLED",
  ]);
  assert.deepEqual(set.environment.made[0]!.cancelled, [running.id]);
  assert.equal(set.ends.length, 2);
});

Deno.test("a crash fails exactly its own invocations and the instance is never reused", async () => {
  const set = setUp();
  const [one, two] = [set.submit(), set.submit()];
  await finishStarts(set);
  const third = set.submit();
  set.environment.made[0]!.crash();
  assert.equal(await codeOf(one!.done), "FUNCTION_CRASHED");
  await finishStarts(set);
  set.environment.made[1]!.reply();
  await settle();
  for (const instance of set.environment.living) {
    if (instance.calls.size > 0) instance.reply();
  }
  assert.deepEqual([await codeOf(two!.done), await codeOf(third.done)], ["OK", "OK"]);
});

Deno.test("a start that always fails ends every request that waits for it", async () => {
  const set = setUp({ parallelStarts: 1 });
  const all = Array.from({ length: 3 }, () => set.submit());
  await settle();
  set.environment.failStart();
  await settle();
  const codes = await Promise.all(all.map(({ done }) => codeOf(done)));
  assert.deepEqual(new Set(codes), new Set(["INSTANCE_START_FAILED"]));
  assert.equal(set.ledger.freeMemory, 1000);
});

Deno.test("requests that wait move on to an updated function and fail with a deleted one", async () => {
  const set = setUp({ memory: 100 });
  set.submit();
  await finishStarts(set);
  const waiting = set.submit();
  const update: FunctionRecord = { ...set.record, Version: "f-2" };
  set.functions.set("f", update);
  set.pool.retire("f-1");
  set.scheduler.replaced(set.record, update);
  set.environment.made[0]!.reply();
  await finishStarts(set);
  assert.equal(set.environment.made.length, 2);
  set.environment.made[1]!.reply();
  assert.equal(await codeOf(waiting.done), "OK");
  set.submit();
  const orphan = set.submit();
  set.pool.retire("f-2");
  set.scheduler.replaced(update, undefined);
  assert.equal(await codeOf(orphan.done), "FUNCTION_UNKNOWN");
});

Deno.test("a draining node finishes what it has and takes nothing new", async () => {
  const set = setUp();
  const running = set.submit();
  await finishStarts(set);
  const drained = set.scheduler.drain(10_000);
  assert.throws(() => set.submit(), { code: "SHUTTING_DOWN" });
  set.environment.made[0]!.reply();
  await drained;
  assert.equal(await codeOf(running.done), "OK");
});

Deno.test("draining is bounded", async () => {
  const set = setUp({ memory: 100 });
  const [running, waiting] = [set.submit(), set.submit()];
  await finishStarts(set);
  const drained = set.scheduler.drain(1000);
  set.clock.advance(1001);
  await drained;
  assert.equal(await codeOf(running!.done), "FUNCTION_CRASHED");
  assert.equal(await codeOf(waiting!.done), "SHUTTING_DOWN");
});

Deno.test("the event of a long request is made when it runs, and not sent to an instance once it has ended", async () => {
  const set = setUp();
  const cold = set.submit();
  await finishStarts(set);
  const [instance] = set.environment.made;
  instance!.reply();
  await cold.done;
  let made = 0;
  const event = Promise.withResolvers<Params>();
  const page = {
    method: "POST",
    target: "/fn/f",
    headers: [],
    body: new Uint8Array(),
    event: () => (made++, event.promise),
  };
  const request = {
    ...defaultRequest,
    get Params(): Params {
      throw new Error("the whole event would be made at once");
    },
  };
  const submit = () => {
    const invocation = set.scheduler.submit(set.record.Name, request, { page });
    invocation.done.catch(() => {});
    return invocation;
  };
  const left = submit();
  left.cancel();
  assert.equal(await codeOf(left.done), "CANCELLED");
  event.resolve(noParams);
  await settle();
  assert.equal(instance!.calls.size, 0);
  const next = submit();
  await settle();
  instance!.reply({ result: "1" });
  assert.equal((await next.done).report.result, "1");
  assert.equal(made, 2);
  assert.equal(set.environment.made.length, 1, "the instance was kept");
});

import assert from "node:assert/strict";
import type { InvokeRequest } from "../model/invocation.ts";
import { fakeRecord, settle } from "../../tests/support/fakes/fake_environment.ts";
import type { ServerledgeError } from "../base/errors.ts";
import type { FunctionRecord } from "../model/function.ts";
import { defaultRequest } from "../model/invocation.ts";
import { noParams, type Params, paramsOf } from "../model/params.ts";
import { codeOf, finishStarts, setUp } from "../../tests/support/scheduler_world.ts";

Deno.test("Scheduler: a cold invocation reports the start that it waited for", async () => {
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

Deno.test("Scheduler: a burst starts no more instances than needed, and all requests succeed", async () => {
  const set = setUp({ memory: 1600, parallelStarts: 2 });
  const burst = Array.from({ length: 64 }, () => set.submit());
  await settle();
  assert.equal(set.environment.starts.length, 2);
  set.environment.finishStart();
  await settle();
  const [first] = set.environment.made;
  // Queued requests take the instance that is free first, not the one started for them.
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

Deno.test("Scheduler: starts no instance while the queue moves faster than an instance starts", async () => {
  const set = setUp();
  const cold = set.submit();
  await settle();
  set.clock.advance(150);
  await finishStarts(set);
  set.clock.advance(1);
  set.environment.made[0]!.reply();
  await cold.done;
  const queued = Array.from({ length: 20 }, () => set.submit());
  await settle();
  assert.equal(set.environment.starts.length, 0, "20 ms of queueing against a start of 150 ms");
  set.clock.advance(200); // contrary to the estimate, the queue does not move
  await settle();
  assert(set.environment.starts.length > 0);
  for (const { done } of queued) done.catch(() => {});
});

Deno.test("Scheduler: admits as many requests as instances fit if the queue is disabled", async () => {
  const set = setUp({ memory: 300, queueCapacity: 0 });
  const burst = Array.from({ length: 5 }, () => set.submit());
  await finishStarts(set);
  for (const instance of set.environment.made) instance.reply();
  const codes = await Promise.all(burst.map(({ done }) => codeOf(done)));
  assert.deepEqual(codes, ["OK", "OK", "OK", "NODE_SATURATED", "NODE_SATURATED"]);
});

Deno.test("Scheduler: the queue is bounded and served in order of arrival", async () => {
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

Deno.test("Scheduler: rejects a function too large for the node without queueing it", async () => {
  const set = setUp({ memory: 50 });
  await assert.rejects(set.submit().done, {
    code: "NO_SUITABLE_NODE",
    message:
      'This node cannot run "f": it needs 100 MiB of memory (MemoryMB) and this node has 50 ' +
      "(container.pool.memory); no other node is known that can",
  });
});

Deno.test("Scheduler: the rejection of an unsuitable function names the conditions that fail, and no other", async () => {
  const record = fakeRecord({ cpu: 8, architectures: ["arm64"] });
  const cases: [Parameters<typeof setUp>[0], Partial<InvokeRequest>, string][] = [
    [
      { record },
      {},
      "it needs 8 CPUs (CPUDemand) and this node has 4 (container.pool.cpus)",
    ],
    [
      { record, supports: () => false },
      {},
      "it needs 8 CPUs (CPUDemand) and this node has 4 (container.pool.cpus), runs on arm64 only, which this node is not",
    ],
    [
      {},
      { locality: ["B"] },
      "it may not run in area A of this node (locality of the function any, of the request B)",
    ],
  ];
  for (const [world, request, why] of cases) {
    await assert.rejects(setUp(world).submit(request).done, {
      code: "NO_SUITABLE_NODE",
      message: `This node cannot run "f": ${why}; no other node is known that can`,
    });
  }
});

Deno.test("Scheduler: the error of a failed function has its traceback and output", async () => {
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
  assert.equal(set.environment.living.length, 1, "the instance is kept");
});

Deno.test("Scheduler: removes an instance that does not stop after its deadline", async () => {
  const set = setUp({ record: fakeRecord({ timeoutMs: 1000 }) });
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

Deno.test("Scheduler: keeps an instance that stops within the grace period", async () => {
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

Deno.test("Scheduler: reports DEADLINE_EXCEEDED if the executor interrupts just before the node does", async () => {
  const set = setUp({ record: fakeRecord({ timeoutMs: 101 }) });
  const invocation = set.submit();
  await finishStarts(set);
  const failure = { type: "Interrupted", message: "its time was up", traceback: "" };
  set.clock.advance(102); // the node's deadlines go by ticks of 5 ms
  set.environment.made[0]!.reply({ ok: false, failure, output: "said" });
  const late: ServerledgeError = await invocation.done.catch((error) => error);
  assert.equal(late.code, "DEADLINE_EXCEEDED");
  assert.equal(late.details?.output, "said");
});

Deno.test("Scheduler: the error of an interrupted function has its output so far", async () => {
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

Deno.test("Scheduler: reports the traceback of an interrupted function once it has ended", async () => {
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

Deno.test("Scheduler: TimeoutMs bounds the execution, not the wait for an instance", async () => {
  const set = setUp({ record: fakeRecord({ timeoutMs: 100 }) });
  const invocation = set.submit();
  await settle();
  set.clock.advance(500); // a start of half a second
  await finishStarts(set);
  set.clock.advance(50);
  set.environment.made[0]!.reply();
  assert.equal(await codeOf(invocation.done), "OK");
});

Deno.test("Scheduler: a rejection for the request's limit does not claim that the queue is full", async () => {
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
  assert.match(refused.message, /to exceed its limit/);
  assert.match(refused.message, / 100 MiB of memory \(MemoryMB\), but only 0 of 100 are free/);
});

Deno.test("Scheduler: a rejection by a full queue names the missing memory or CPU", async () => {
  const lackOf = async (values: Parameters<typeof setUp>[0], calls: number) => {
    const set = setUp({ ...values, queueCapacity: 0 });
    for (let call = 0; call < calls; call++) set.submit();
    await finishStarts(set);
    const refused: ServerledgeError = await set.submit().done.catch((error) => error);
    assert.equal(refused.code, "NODE_SATURATED");
    return refused.message;
  };
  assert.match(await lackOf({ memory: 150 }, 1), /100 MiB .* 50 of 150 .*container\.pool\.memory/);
  const demanding = fakeRecord({ cpu: 3 });
  assert.match(await lackOf({ record: demanding }, 1), /3 CPUs .* 1 of 4 .*container\.pool\.cpus/);
});

Deno.test("Scheduler: a queued request fails at its deadline without running", async () => {
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

Deno.test("Scheduler: a client disconnect cancels a queued or running request", async () => {
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

Deno.test("Scheduler: a crash fails the instance's own invocations only, and it is never reused", async () => {
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

Deno.test("Scheduler: fails every request that waits for a start that always fails", async () => {
  const set = setUp({ parallelStarts: 1 });
  const all = Array.from({ length: 3 }, () => set.submit());
  await settle();
  set.environment.failStart();
  await settle();
  const codes = await Promise.all(all.map(({ done }) => codeOf(done)));
  assert.deepEqual(new Set(codes), new Set(["INSTANCE_START_FAILED"]));
  assert.equal(set.ledger.freeMemory, 1000);
});

Deno.test("Scheduler: queued requests move to an updated function and fail with a deleted one", async () => {
  const set = setUp({ memory: 100 });
  set.submit();
  await finishStarts(set);
  const waiting = set.submit();
  const update: FunctionRecord = { ...set.record, version: "f-2" };
  set.functions.set("f", update);
  set.pool.retire("f-1");
  set.scheduler.functionReplaced(set.record, update);
  set.environment.made[0]!.reply();
  await finishStarts(set);
  assert.equal(set.environment.made.length, 2);
  set.environment.made[1]!.reply();
  assert.equal(await codeOf(waiting.done), "OK");
  set.submit();
  const orphan = set.submit();
  set.pool.retire("f-2");
  set.scheduler.functionReplaced(update, undefined);
  assert.equal(await codeOf(orphan.done), "FUNCTION_UNKNOWN");
});

Deno.test("Scheduler: requests that wait for an instance get one that starts after a restart", async () => {
  const set = setUp();
  const waiting = set.submit();
  await settle();
  set.pool.restart(set.record.version);
  set.environment.finishStart();
  await settle();
  assert.deepEqual(set.environment.living, []);
  await finishStarts(set);
  set.environment.made[1]!.reply();
  assert.equal(await codeOf(waiting.done), "OK");
});

Deno.test("Scheduler: drain finishes current requests and accepts no new ones", async () => {
  const set = setUp();
  const running = set.submit();
  await finishStarts(set);
  const drained = set.scheduler.drain(10_000);
  assert.throws(() => set.submit(), { code: "SHUTTING_DOWN" });
  set.environment.made[0]!.reply();
  await drained;
  assert.equal(await codeOf(running.done), "OK");
});

Deno.test("Scheduler: drain is bounded", async () => {
  const set = setUp({ memory: 100 });
  const [running, waiting] = [set.submit(), set.submit()];
  await finishStarts(set);
  const drained = set.scheduler.drain(1000);
  set.clock.advance(1001);
  await drained;
  assert.equal(await codeOf(running!.done), "FUNCTION_CRASHED");
  assert.equal(await codeOf(waiting!.done), "SHUTTING_DOWN");
});

Deno.test("Scheduler: creates the event of a large request when it runs, and drops it after a disconnect", async () => {
  const set = setUp();
  const cold = set.submit();
  await finishStarts(set);
  const [instance] = set.environment.made;
  instance!.reply();
  await cold.done;
  let made = 0;
  const event = Promise.withResolvers<Params>();
  const httpRequest = {
    method: "POST",
    target: "/fn/f",
    headers: [],
    body: new Uint8Array(),
    event: () => (made++, event.promise),
  };
  const request = {
    ...defaultRequest,
    get Params(): Params {
      throw new Error("the whole event would be created at once");
    },
  };
  const submit = () => {
    const invocation = set.scheduler.submit(set.record.name, request, { httpRequest });
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

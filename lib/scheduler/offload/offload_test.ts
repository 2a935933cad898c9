import assert from "node:assert/strict";
import { fakeRecord, settle } from "../../../tests/support/fakes/fake_environment.ts";
import { QuotedText } from "../../json/quoted.ts";
import type { Outcome, Policy, Refusal } from "../../policy/contract.ts";
import { eager, hopTo, peer, setUp } from "../../../tests/support/offload_world.ts";
import { codeOf } from "../../../tests/support/scheduler_world.ts";

Deno.test("Offloader: an offloaded request keeps its id and reports the cost of the hop", async () => {
  const { submit, peers, clock, ends } = setUp();
  const invocation = submit({ maxResponseS: 2 });
  const [sent] = peers.sent;
  assert.equal(sent!.to, "one");
  assert.equal(sent!.forwarded.id, invocation.id);
  assert.equal(sent!.forwarded.hopsLeft, 0);
  assert.deepEqual(sent!.forwarded.visited, ["me"]);
  assert.equal(sent!.forwarded.budgetMs, 2000);
  clock.advance(50);
  sent!.answer({ responseTimeS: 0.04, executionNode: "one", startTier: "generic" });
  const { report } = await invocation.done;
  assert.equal(report.startTier, "generic");
  assert.equal(report.executionNode, "one");
  assert.equal(report.responseTimeS, 0.05);
  assert(Math.abs(report.offloadLatencyS - 0.01) < 1e-9);
  assert.deepEqual([ends[0]!.place, ends[0]!.tier], ["edge", undefined]);
});

Deno.test("Offloader: a request that a peer declines goes to the next peer, then runs here", async () => {
  const { submit, peers, environment } = setUp();
  const invocation = submit();
  peers.sent[0]!.refuse("NODE_SATURATED");
  await settle();
  assert.equal(peers.sent[1]!.to, "two");
  assert.deepEqual(peers.sent[1]!.forwarded.visited, ["one", "me"]);
  peers.sent[1]!.refuse("PEER_UNREACHABLE");
  await settle();
  environment.made[0]!.reply();
  assert.equal((await invocation.done).report.executionNode, "me");
});

Deno.test("Scheduler: fetches a missing image while the request is offloaded, if the policy says so", async () => {
  for (const hasImage of [true, false]) {
    const { submit, peers, fetched } = setUp({ hasImage });
    const invocation = submit();
    assert.deepEqual(fetched, hasImage ? [] : ["f"]);
    assert.equal(peers.asked[0]!.need, "python");
    peers.sent[0]!.answer({});
    await invocation.done;
  }
});

Deno.test("Scheduler: reports the duration of each step of a request to the policy", async () => {
  const outcomes: Outcome[] = [];
  const refusals: Refusal[] = [];
  const policy: Policy = {
    ...eager,
    observe: (_, outcome) => outcomes.push(outcome),
    refused: (_, refusal) => refusals.push(refusal),
  };
  const { submit, peers, clock, environment } = setUp({ policy });
  const invocation = submit();
  clock.advance(5);
  peers.sent[0]!.refuse("NODE_SATURATED");
  await settle();
  clock.advance(100);
  const there = { responseTimeS: 0.08, initTimeS: 0.03, durationS: 0.05, isWarmStart: false };
  peers.sent[1]!.answer({ ...there, executionNode: "two" });
  await invocation.done;
  assert.deepEqual(refusals, [{ node: "one", code: "NODE_SATURATED", remoteTotalMs: 5 }]);
  const { place, node, executionMs, delayMs, cold, networkMs, remoteTotalMs } = outcomes[0]!;
  assert.deepEqual([place, node, executionMs, delayMs, cold], ["edge", "two", 50, 30, true]);
  assert.deepEqual([Math.round(networkMs), remoteTotalMs], [20, 100]);
  const alone = submit({ canOffload: false });
  await settle();
  clock.advance(7);
  environment.made[0]!.reply();
  await alone.done;
  const { code, ...local } = outcomes[1]!;
  assert.equal(code, "OK");
  assert.deepEqual([local.node, local.executionMs, local.delayMs], ["", 7, 0]);
  assert(Number.isNaN(local.networkMs) && Number.isNaN(local.remoteTotalMs));
});

Deno.test("Scheduler: a queued request is offloaded once a peer reports free capacity", async () => {
  const { submit, peers, scheduler, environment } = setUp({
    record: fakeRecord({ memoryMib: 600 }),
    names: [],
  });
  const running = submit();
  await settle();
  assert.equal(peers.sought, 0);
  const [waiting, staying] = [submit(), submit({ canOffload: false })];
  assert.equal(peers.sought, 1, "only for requests that may be offloaded");
  scheduler.onPeerStatus();
  assert.equal(peers.sought, 2, "as long as it waits");
  peers.all.push(peer("one"));
  scheduler.onPeerStatus();
  assert.deepEqual([peers.sought, peers.sent.length], [2, 1]);
  scheduler.onPeerStatus();
  assert.deepEqual([peers.sought, peers.sent.length], [2, 1]);
  peers.sent[0]!.answer({ executionNode: "one" });
  assert.equal((await waiting.done).report.executionNode, "one");
  environment.made[0]!.reply();
  await running.done;
  environment.made[0]!.reply();
  assert.equal((await staying.done).report.executionNode, "me");
});

Deno.test("Scheduler: the queueing time excludes the time on another node and the execution", async () => {
  const { submit, peers, scheduler, environment, clock, ends } = setUp({
    record: fakeRecord({ memoryMib: 600 }),
    names: [],
  });
  const running = submit();
  await settle();
  const [leaving, returning] = [submit(), submit()];
  clock.advance(30);
  peers.all.push(peer("one"));
  scheduler.onPeerStatus();
  scheduler.onPeerStatus();
  clock.advance(1000);
  peers.sent[0]!.answer({});
  peers.sent[1]!.refuse("NODE_SATURATED");
  await leaving.done;
  await settle();
  clock.advance(50);
  environment.made[0]!.reply();
  await running.done;
  clock.advance(200);
  environment.made[0]!.reply();
  assert.equal((await returning.done).report.queueingTimeS, 0.08);
  assert.deepEqual(ends.map(({ waitMs }) => waitMs), [30, 0, 80]);
});

Deno.test("Scheduler: a request has no queueing time if it is rejected or its instance starts too slowly", async () => {
  const { submit, environment, clock, ends } = setUp({ names: [] });
  assert.equal(await codeOf(submit({ locality: ["B"] }).done), "NO_SUITABLE_NODE");
  environment.slowStarts = true;
  const late = submit({ maxResponseS: 0.5 });
  await settle();
  clock.advance(510);
  assert.equal(await codeOf(late.done), "DEADLINE_EXCEEDED");
  assert.deepEqual(ends.map(({ waitMs }) => waitMs), [0, 0]);
});

Deno.test("Scheduler: the error of a request that no node accepts includes the last node's error", async () => {
  const { submit, peers } = setUp({ names: ["one"], record: fakeRecord({ memoryMib: 5000 }) });
  const invocation = submit();
  peers.sent[0]!.refuse("INSTANCE_START_FAILED");
  const error = await invocation.done.catch((error) => error);
  assert.equal(error.code, "NO_SUITABLE_NODE");
  assert.deepEqual(error.details.otherNode, { code: "INSTANCE_START_FAILED", message: "refused" });
});

Deno.test("Offloader: a request that may have run is not sent to another node", async () => {
  for (const code of ["FUNCTION_CRASHED", "FUNCTION_ERROR", "REQUEST_REPEATED"] as const) {
    const { submit, peers, environment } = setUp();
    const invocation = submit();
    peers.sent[0]!.refuse(code);
    assert.equal(await codeOf(invocation.done), code);
    assert.equal(peers.sent.length, 1);
    assert.equal(environment.made.length, 0);
  }
});

Deno.test("Offloader: the number of attempts is bounded", async () => {
  const { submit, peers, environment } = setUp({ names: ["a", "b", "c", "d", "e"] });
  submit();
  for (let attempt = 0; attempt < 3; attempt++) {
    peers.sent[attempt]!.refuse("NODE_SATURATED");
    await settle();
  }
  assert.equal(peers.sent.length, 3);
  assert.equal(environment.made.length, 1);
});

Deno.test("Offloader: the deadline and a client disconnect cancel an offloaded request", async () => {
  const { submit, peers, clock } = setUp();
  const late = submit({ maxResponseS: 0.5 });
  clock.advance(510);
  assert.equal(await codeOf(late.done), "DEADLINE_EXCEEDED");
  const left = submit();
  left.cancel();
  assert.equal(await codeOf(left.done), "CANCELLED");
  assert(peers.sent.every(({ signal }) => signal.aborted));
});

Deno.test("Offloader: releases the memory of a result that arrives after a disconnect", async () => {
  const { submit, peers } = setUp();
  const left = submit();
  let released = 0;
  const held = { [Symbol.dispose]: () => void released++ };
  peers.sent[0]!.answer({ result: new QuotedText(new TextEncoder().encode('"late"'), held) });
  left.cancel();
  assert.equal(await codeOf(left.done), "CANCELLED");
  await settle();
  assert.equal(released, 1);
});

Deno.test("Scheduler: a forwarded request is offloaded only while it has hops left", async () => {
  const { submit, peers, environment } = setUp({ maxHops: 2 });
  submit({}, hopTo());
  await settle();
  assert.equal(peers.sent.length, 0);
  assert.equal(environment.made.length, 1);
  submit({}, hopTo({ id: "f-10", hopsLeft: 9 }));
  assert.equal(peers.sent[0]!.forwarded.hopsLeft, 1, "this node's own limit counts");
});

Deno.test("Scheduler: rejects a request id that it has seen, whatever its hop headers say", () => {
  const { submit } = setUp();
  submit({}, hopTo());
  assert.throws(() => submit({}, hopTo({ hopsLeft: 5, visited: [] })), {
    code: "REQUEST_REPEATED",
  });
});

Deno.test("Scheduler: declines a request that comes back by the node's own address", () => {
  const { submit } = setUp();
  const sentOn = hopTo({ visited: ["me", "other"] });
  assert.throws(() => submit({}, sentOn), {
    code: "PEER_DECLINED",
    message: /returned to node me, .* set api\.ip or api\.url/,
  });
  submit({}, hopTo());
});

Deno.test("Scheduler: rejects a request that a peer sends back to its origin", () => {
  const { submit, peers } = setUp();
  const { id } = submit();
  assert.equal(peers.sent.length, 1);
  assert.throws(() => submit({}, hopTo({ id, visited: [] })), { code: "REQUEST_REPEATED" });
});

Deno.test("Scheduler: accepts a request again whose instance could not be started", async () => {
  const { submit, environment } = setUp();
  environment.slowStarts = true;
  const refused = submit({}, hopTo());
  await settle();
  environment.failStart();
  assert.equal(await codeOf(refused.done), "INSTANCE_START_FAILED");
  submit({}, hopTo());
});

Deno.test("Scheduler: the sender respects Locality and the receiver enforces it", () => {
  const here = setUp({ record: fakeRecord({ locality: "node" }) });
  here.submit();
  assert.equal(here.peers.sent.length, 0);

  const area = setUp({ names: [] });
  area.peers.all.push(peer("cloud", true));
  area.submit({ locality: "area" });
  assert.equal(area.peers.sent.length, 0);
  area.submit();
  assert.equal(area.peers.sent.length, 1);

  const forbidden = { code: "FORBIDDEN" };
  assert.throws(() => here.submit({}, hopTo()), forbidden);
  assert.throws(() => area.submit({ locality: "area" }, hopTo({ originArea: "B" })), forbidden);
  assert.throws(() => area.submit({ locality: ["B"] }, hopTo({ id: "f-2" })), forbidden);
});

Deno.test("Scheduler: a queue timeout names the Locality that excludes other nodes", async () => {
  const { submit, clock, environment } = setUp({
    record: fakeRecord({ memoryMib: 600, locality: ["A", "C"] }),
    names: ["one"],
  });
  const running = submit({ locality: "node" });
  await settle();
  const kept = submit({ locality: "node", maxResponseS: 1 });
  clock.advance(1010);
  await assert.rejects(kept.done, {
    message: /locality of the function A or C, of the request node$/,
  });
  environment.made[0]!.reply();
  await running.done;
});

Deno.test("Scheduler: offloads or rejects a request whose areas exclude this one", async () => {
  const { submit, peers } = setUp({ names: [] });
  assert.equal(await codeOf(submit({ locality: ["CLOUD"] }).done), "NO_SUITABLE_NODE");
  peers.all.push(peer("cloud", true));
  submit({ locality: ["CLOUD"] });
  assert.equal(peers.sent[0]!.to, "cloud");
});

Deno.test("Scheduler: drain cancels offloaded requests after the grace period", async () => {
  const { scheduler, submit, clock } = setUp();
  const invocation = submit();
  const drained = scheduler.drain(1000);
  clock.advance(1001);
  await drained;
  assert.equal(await codeOf(invocation.done), "FUNCTION_CRASHED");
});

Deno.test("Scheduler: a queue timeout names CanDoOffloading if other nodes were excluded by it", async () => {
  const { submit, scheduler, ends, clock, peers, environment } = setUp({
    record: fakeRecord({ memoryMib: 600 }),
    names: [],
  });
  const running = submit();
  await settle();
  const alone = submit({ canOffload: false, maxResponseS: 1 });
  clock.advance(1010);
  await assert.rejects(alone.done, {
    message: /until its deadline: .* 400 of 1000 are free \(container\.pool\.memory\)$/,
  });
  peers.all.push(peer("one"));
  const kept = submit({ canOffload: false, maxResponseS: 1 });
  clock.advance(1010);
  await assert.rejects(kept.done, {
    message: /Other nodes were not considered, because CanDoOffloading/,
  });
  assert.deepEqual(ends.map(({ offloadForbidden }) => offloadForbidden), [false, true]);
  assert.equal(scheduler.waiting, 0);
  environment.made[0]!.reply();
  await running.done;
});

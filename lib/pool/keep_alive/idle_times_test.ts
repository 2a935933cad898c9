import assert from "node:assert/strict";
import { fakeRecord } from "../../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../../base/clock.ts";
import { IdleTimes } from "./idle_times.ts";

function setUp(windows = { preWarmMs: 100, keepAliveMs: 50 }) {
  const clock = new ManualClock();
  const idle: [string, number][] = [];
  const forgotten: string[] = [];
  const idleTimes = new IdleTimes({
    windows: () => windows,
    observe: (name, ms) => idle.push([name, ms]),
    forget: (name) => forgotten.push(name),
  }, clock);
  return { clock, idle, forgotten, idleTimes };
}

const f = fakeRecord({ name: "f" });
const g = fakeRecord({ name: "g" });

Deno.test("IdleTimes: idle time, lasts from the end of the last call to the next request", () => {
  const { clock, idle, idleTimes } = setUp();
  idleTimes.startRequested(f);
  clock.advance(5);
  idleTimes.callStarted(f);
  idleTimes.callStarted(f);
  clock.advance(10);
  idleTimes.callEnded(f);
  clock.advance(10);
  idleTimes.callEnded(f);
  clock.advance(30);
  idleTimes.startRequested(f);
  clock.advance(5);
  idleTimes.callStarted(f);
  assert.deepEqual(idle, [["f", 30]]);
  idleTimes.callEnded(f);
  idleTimes.callStarted(f);
  assert.deepEqual(idle, [["f", 30], ["f", 0]]);
});

Deno.test("IdleTimes: pre-warm window ends, is due once unless a request came before", () => {
  const { clock, idleTimes } = setUp();
  for (const record of [f, g]) {
    idleTimes.callStarted(record);
    idleTimes.callEnded(record);
  }
  clock.advance(99);
  assert.deepEqual(idleTimes.takePreWarmsDue(9), []);
  idleTimes.startRequested(g);
  clock.advance(1);
  assert.deepEqual(idleTimes.takePreWarmsDue(9), [f]);
  assert.deepEqual(idleTimes.takePreWarmsDue(9), []);
});

Deno.test("IdleTimes: more due than the limit, the others stay due until they expire", () => {
  const { clock, idleTimes } = setUp();
  for (const record of [f, g]) {
    idleTimes.callStarted(record);
    idleTimes.callEnded(record);
  }
  clock.advance(100);
  assert.deepEqual(idleTimes.takePreWarmsDue(1), [f]);
  assert.deepEqual(idleTimes.takePreWarmsDue(0), []);
  clock.advance(49);
  assert.deepEqual(idleTimes.takePreWarmsDue(1), [g]);
  for (const record of [f]) {
    idleTimes.callStarted(record);
    idleTimes.callEnded(record);
  }
  clock.advance(150);
  assert.deepEqual(idleTimes.takePreWarmsDue(1), []);
});

Deno.test("IdleTimes: function changes, pre-warms its new version and forgets a deleted one", () => {
  const { clock, forgotten, idleTimes } = setUp();
  for (const record of [f, g]) {
    idleTimes.callStarted(record);
    idleTimes.callEnded(record);
  }
  const newer = { ...f, version: "f-2" };
  idleTimes.changed("f", newer);
  idleTimes.callStarted(g);
  idleTimes.changed("g", undefined);
  idleTimes.callEnded(g);
  clock.advance(100);
  assert.deepEqual(idleTimes.takePreWarmsDue(9), [newer]);
  assert.deepEqual(forgotten, ["g"]);
});

Deno.test("IdleTimes: no pre-warm window, is never due", () => {
  const { clock, idleTimes } = setUp({ preWarmMs: 0, keepAliveMs: 50 });
  idleTimes.callStarted(f);
  idleTimes.callEnded(f);
  clock.advance(10);
  assert.deepEqual(idleTimes.takePreWarmsDue(9), []);
});

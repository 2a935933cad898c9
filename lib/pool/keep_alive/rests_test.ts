import assert from "node:assert/strict";
import { fakeRecord } from "../../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../../base/clock.ts";
import { Rests } from "./rests.ts";

function setUp(windows = { preWarmMs: 100, keepAliveMs: 50 }) {
  const clock = new ManualClock();
  const idle: [string, number][] = [];
  const forgotten: string[] = [];
  const rests = new Rests({
    windows: () => windows,
    observe: (name, ms) => idle.push([name, ms]),
    forget: (name) => forgotten.push(name),
  }, clock);
  return { clock, idle, forgotten, rests };
}

const f = fakeRecord({ Name: "f" });
const g = fakeRecord({ Name: "g" });

Deno.test("a rest is from the end of the last call to the next request", () => {
  const { clock, idle, rests } = setUp();
  rests.wanted(f);
  clock.advance(5);
  rests.began(f);
  rests.began(f);
  clock.advance(10);
  rests.ended(f);
  clock.advance(10);
  rests.ended(f);
  clock.advance(30);
  rests.wanted(f);
  clock.advance(5);
  rests.began(f);
  assert.deepEqual(idle, [["f", 30]]);
  rests.ended(f);
  rests.began(f);
  assert.deepEqual(idle, [["f", 30], ["f", 0]]);
});

Deno.test("an instance is due once, when its time comes, unless it is asked for before", () => {
  const { clock, rests } = setUp();
  for (const record of [f, g]) {
    rests.began(record);
    rests.ended(record);
  }
  clock.advance(99);
  assert.deepEqual(rests.takeDue(9), []);
  rests.wanted(g);
  clock.advance(1);
  assert.deepEqual(rests.takeDue(9), [f]);
  assert.deepEqual(rests.takeDue(9), []);
});

Deno.test("those above the limit stay due until it is too late", () => {
  const { clock, rests } = setUp();
  for (const record of [f, g]) {
    rests.began(record);
    rests.ended(record);
  }
  clock.advance(100);
  assert.deepEqual(rests.takeDue(1), [f]);
  assert.deepEqual(rests.takeDue(0), []);
  clock.advance(49);
  assert.deepEqual(rests.takeDue(1), [g]);
  for (const record of [f]) {
    rests.began(record);
    rests.ended(record);
  }
  clock.advance(150);
  assert.deepEqual(rests.takeDue(1), []);
});

Deno.test("a function's new version is started, a deleted one is forgotten", () => {
  const { clock, forgotten, rests } = setUp();
  for (const record of [f, g]) {
    rests.began(record);
    rests.ended(record);
  }
  const newer = { ...f, Version: "f-2" };
  rests.changed("f", newer);
  rests.began(g);
  rests.changed("g", undefined);
  rests.ended(g);
  clock.advance(100);
  assert.deepEqual(rests.takeDue(9), [newer]);
  assert.deepEqual(forgotten, ["g"]);
});

Deno.test("what is kept all along is never due", () => {
  const { clock, rests } = setUp({ preWarmMs: 0, keepAliveMs: 50 });
  rests.began(f);
  rests.ended(f);
  clock.advance(10);
  assert.deepEqual(rests.takeDue(9), []);
});

import assert from "node:assert/strict";
import { Pace } from "./pace.ts";

function pace(executionMs: number, startMs: number): Pace {
  const pace = new Pace();
  pace.executed(executionMs);
  pace.started(startMs);
  return pace;
}

Deno.test("nothing known: start", () => {
  assert(new Pace().needsMore({ waiting: 1, waitedMs: 0, slots: 4 }));
});

Deno.test("no instance: start", () => {
  assert(pace(1, 150).needsMore({ waiting: 1, waitedMs: 0, slots: 0 }));
});

Deno.test("a line that moves faster than a start needs no start", () => {
  const quick = pace(1, 150);
  assert(!quick.needsMore({ waiting: 60, waitedMs: 0, slots: 4 }));
  assert(quick.needsMore({ waiting: 700, waitedMs: 0, slots: 4 }));
  assert(pace(1000, 150).needsMore({ waiting: 1, waitedMs: 0, slots: 4 }));
});

Deno.test("who waits longer than a start takes gets one, whatever was estimated", () => {
  assert(pace(1, 150).needsMore({ waiting: 1, waitedMs: 151, slots: 4 }));
});

Deno.test("averages follow what is measured", () => {
  const moving = pace(1, 100);
  for (let i = 0; i < 50; i++) moving.executed(500);
  assert(moving.needsMore({ waiting: 1, waitedMs: 0, slots: 4 }));
});

Deno.test("starts in spares count only until another start was seen", () => {
  const pace = new Pace();
  pace.started(20, true);
  assert.equal(pace.startMs, 20);
  pace.started(100);
  assert.equal(pace.startMs, 100);
  pace.started(20, true);
  assert.equal(pace.startMs, 100);
});

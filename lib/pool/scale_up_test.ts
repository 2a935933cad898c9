import assert from "node:assert/strict";
import { ScaleUpControl } from "./scale_up.ts";

function controlWith(executionMs: number, startMs: number): ScaleUpControl {
  const control = new ScaleUpControl();
  control.observeExecution(executionMs);
  control.observeStart(startMs);
  return control;
}

Deno.test("ScaleUpControl: no measurements, starts an instance", () => {
  assert(new ScaleUpControl().needsMore({ waiting: 1, waitedMs: 0, slots: 4 }));
});

Deno.test("ScaleUpControl: no instance, starts one", () => {
  assert(controlWith(1, 150).needsMore({ waiting: 1, waitedMs: 0, slots: 0 }));
});

Deno.test("ScaleUpControl: queue drains before a start would end, starts none", () => {
  const quick = controlWith(1, 150);
  assert(!quick.needsMore({ waiting: 60, waitedMs: 0, slots: 4 }));
  assert(quick.needsMore({ waiting: 700, waitedMs: 0, slots: 4 }));
  assert(controlWith(1000, 150).needsMore({ waiting: 1, waitedMs: 0, slots: 4 }));
});

Deno.test("ScaleUpControl: request waits longer than a start takes, starts one", () => {
  assert(controlWith(1, 150).needsMore({ waiting: 1, waitedMs: 151, slots: 4 }));
});

Deno.test("ScaleUpControl: new measurements, moves the averages", () => {
  const moving = controlWith(1, 100);
  for (let i = 0; i < 50; i++) moving.observeExecution(500);
  assert(moving.needsMore({ waiting: 1, waitedMs: 0, slots: 4 }));
});

Deno.test("ScaleUpControl: starts of generic instances, count only until another start is seen", () => {
  const control = new ScaleUpControl();
  control.observeStart(20, true);
  assert.equal(control.startMs, 20);
  control.observeStart(100);
  assert.equal(control.startMs, 100);
  control.observeStart(20, true);
  assert.equal(control.startMs, 100);
});

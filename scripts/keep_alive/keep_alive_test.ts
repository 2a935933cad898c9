import assert from "node:assert/strict";
import { FakeEnvironment, fakeRecord, settle } from "../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../../lib/base/clock.ts";
import { HistogramKeepAlive } from "../../lib/pool/keep_alive/histogram_keep_alive.ts";
import { Janitor } from "../../lib/pool/keep_alive/janitor.ts";
import { fixedKeepAlive, type KeepAlive } from "../../lib/pool/keep_alive/keep_alive.ts";
import { ResourceLedger } from "../../lib/pool/resource_ledger.ts";
import { Pool } from "../../lib/pool/pool.ts";
import { IdleTimes } from "../../lib/pool/keep_alive/idle_times.ts";
import readme from "./README.md" with { type: "text" };
import results from "./results.md" with { type: "text" };
import { compare } from "./compare.ts";
import { replay } from "./core.ts";
import { comparisonCsv, comparisonFigure, comparisonTable } from "./report.ts";
import { syntheticTrace } from "./synthetic.ts";
import { type FunctionTrace, readTrace, traceCsv } from "./trace.ts";

const minute = 60_000;
const day = 1440 * minute;

const traceOf = (...minutes: number[]): FunctionTrace => ({
  name: "f",
  memoryMib: 128,
  durationMs: 1000,
  arrivalsMs: minutes.map((each) => each * minute),
});

Deno.test("a fixed keep-alive pays for every rest up to its end", () => {
  // Idle times of 5, 15 and 0 min (a call that overlaps), then 10 min to the end of the trace.
  const fn = { ...traceOf(0, 5, 20, 20), durationMs: 0 };
  assert.deepEqual(replay(fn, fixedKeepAlive(10 * minute), 30 * minute), {
    requests: 4,
    cold: 2,
    idleMs: (5 + 10 + 0 + 10) * minute,
    ahead: 0,
    hits: 0,
  });
});

Deno.test("a window that opens later pays only for what is open, and misses who is early", () => {
  const policy: KeepAlive = {
    ...fixedKeepAlive(0),
    windows: () => ({ preWarmMs: 10 * minute, keepAliveMs: 5 * minute }),
  };
  // Idle times of 12 (hit), 4 (early), 20 min (late), then 11 to the end.
  const fn = { ...traceOf(0, 12, 16, 36), durationMs: 0 };
  assert.deepEqual(replay(fn, policy, 47 * minute), {
    requests: 4,
    cold: 3,
    idleMs: (2 + 0 + 5 + 1) * minute,
    ahead: 3,
    hits: 1,
  });
});

Deno.test("calls that come while another runs share its instance", () => {
  const fn = { ...traceOf(0), durationMs: 5000, arrivalsMs: [0, 3000, 7000, 60_000] };
  const { cold, idleMs } = replay(fn, fixedKeepAlive(10_000), 65_000);
  assert.deepEqual([cold, idleMs], [2, 10_000]);
});

/** The same trace through the node's pool, janitor and all, under a manual clock. */
async function throughPool(fn: FunctionTrace, fallbackMs: number): Promise<number> {
  const clock = new ManualClock();
  const environment = new FakeEnvironment();
  environment.slowStarts = false;
  const keepAlive = new HistogramKeepAlive(fallbackMs);
  const idleTimes = new IdleTimes(keepAlive, clock);
  const pool = new Pool({
    ledger: new ResourceLedger({ memoryMib: 1000, cpu: 4 }),
    environment: () => environment,
    clock,
    parallelStarts: 4,
    usage: idleTimes,
  });
  const janitor = new Janitor({ pool, clock, intervalMs: 1000, keepAlive, idleTimes });
  const record = fakeRecord({ name: fn.name });
  let cold = 0;
  for (const at of fn.arrivalsMs) {
    // In steps, since what a timer begins goes on in promises; windows are far wider than these.
    while (clock.now() < at) {
      clock.advance(Math.min(20_000, at - clock.now()));
      await settle();
    }
    let lease = pool.tryLease(record);
    if (!lease) {
      cold++;
      assert(pool.tryStart(record));
      await settle();
      lease = pool.tryLease(record)!;
    }
    clock.advance(fn.durationMs);
    lease.release();
    await settle();
  }
  janitor[Symbol.dispose]();
  await pool[Symbol.asyncDispose]();
  return cold;
}

Deno.test("a replay finds as many cold starts as the pool and the janitor of a node", async () => {
  const every = (period: number, times: number, from = 0) =>
    Array.from({ length: times }, (_, k) => from + k * period);
  const traces = {
    timer: traceOf(...every(30, 20)),
    "timer that changes": traceOf(...every(20, 12), ...every(50, 12, 300)),
    busy: traceOf(...every(2, 30), ...every(8, 10, 100)),
    rare: traceOf(0, 300, 310, 700, 1000, 1011),
  };
  for (const [name, fn] of Object.entries(traces)) {
    const { cold } = replay(fn, new HistogramKeepAlive(10 * minute), day);
    assert.equal(await throughPool(fn, 10 * minute), cold, name);
  }
});

Deno.test("a synthetic trace is the same for the same seed, and has the shape it claims", () => {
  const draw = (seed: number) => [...syntheticTrace({ functions: 300, lengthMs: day, seed })];
  const trace = draw(1);
  assert.deepEqual(trace, draw(1));
  assert.notDeepEqual(trace, draw(2));
  const share = (holds: (fn: FunctionTrace) => boolean) => trace.filter(holds).length / 300;
  const perDay = ({ arrivalsMs }: FunctionTrace) => arrivalsMs.length;
  const rare = share((fn) => perDay(fn) <= 24);
  const common = share((fn) => perDay(fn) <= 1440);
  assert(rare > 0.38 && rare < 0.58, `${rare} once an hour or less; the paper has 0.45`);
  assert(common > 0.74 && common < 0.88, `${common} once a minute or less; the paper has 0.81`);
  for (const { arrivalsMs } of trace) {
    assert(arrivalsMs.every((at, k) => at >= 0 && at < day && at >= (arrivalsMs[k - 1] ?? 0)));
  }
});

Deno.test("a comparison adds functions up and is written in three forms", () => {
  const trace = [...syntheticTrace({ functions: 20, lengthMs: day, seed: 1 }), {
    ...traceOf(),
    name: "never asked for",
  }];
  const comparison = compare(trace, day);
  assert(comparison.functions <= 20);
  const fixed = comparison.rows.filter(({ policy }) => policy === "fixed");
  for (const [k, row] of fixed.entries()) {
    const before = fixed[k - 1];
    assert(!before || row.coldShare <= before.coldShare, "longer is warmer");
    assert(!before || row.idleGibH >= before.idleGibH, "and dearer");
    assert.equal(row.requests, fixed[0]!.requests);
  }
  assert.equal(comparisonCsv(comparison).trim().split("\n").length, 1 + comparison.rows.length);
  assert.match(comparisonTable(comparison), /^\| fixed \| 10 min .* \| 100\.0 % \| {2}\|$/m);
  assert.match(comparisonFigure(comparison, "test"), /^<svg .*histogram/s);
});

Deno.test("traces are read as they were written, or as Azure published its own", () => {
  const trace = [traceOf(1, 3), { ...traceOf(2), name: "g" }];
  assert.deepEqual(readTrace([traceCsv(trace)]), trace);
  const day = (...counts: number[]) =>
    `HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,x,http,${counts}\no,a,y,timer,0,0,1\n`;
  const [x, y] = readTrace([day(2, 0, 1), day(0, 1, 0)]);
  assert.deepEqual(x!.arrivalsMs, [0, 30_000, 120_000, 86_400_000 + minute]);
  assert.deepEqual([y!.name, y!.arrivalsMs], ["y", [120_000, 86_400_000 + 120_000]]);
  assert.throws(() => readTrace(["time,name\n"]), /heading/);
  assert.throws(() => readTrace([`${traceCsv(trace)}x,f,1,1\n`]), /file 1, line 5/);
});

Deno.test("the README shows the results in its folder", () => {
  assert(readme.includes(results));
});

import assert from "node:assert/strict";
import { formatCsv } from "./csv.ts";
import { formatHtml } from "./html.ts";
import { prepare } from "../prepare.ts";
import { Recorder } from "../recorder.ts";
import { type LoadResult, resultOf } from "./result.ts";

const facts = {
  cpuShare: 0.2,
  connections: 3,
  lacksConnections: false,
  cutOff: 0,
  isInterrupted: false,
  endMs: 12_000,
};

/** Result of a run of two classes, one of them with a strange name. */
function sample(changed: Partial<typeof facts> = {}): LoadResult {
  const mix = [
    { function: "fib", class: "critical", limit: 0.05 },
    { function: "fib", class: '<b>"x,y"</b>' },
  ];
  const { plan } = prepare({ mix, rate: 20, duration: 10 }, {
    node: "http://127.0.0.1:1",
    isPlain: false,
  });
  const recorder = new Recorder(plan.kinds, plan.warmUpMs, plan.durationMs);
  for (let n = 0; n < 200; n++) {
    const request = { kind: n % 2, dueMs: 2000 + n * 50, sentMs: 2000 + n * 50 };
    recorder.recordDue(request);
    const outcome = n % 20 === 0 ? "NODE_SATURATED" : "ok";
    const report = {
      node: n % 4 ? "edge-1" : "cloud-1",
      area: n % 4 ? "EDGE" : "CLOUD",
      tier: n > 3 ? "warm" : "shared",
      executionMs: 5,
      initMs: 1,
      queueingMs: 0,
      offloadMs: n % 4 ? 0 : 20,
    };
    const end = request.dueMs + 10 + n % 100;
    recorder.recordEnd(request, outcome === "ok" ? { outcome, report } : { outcome }, end, 10);
  }
  return resultOf(plan, recorder, { ...facts, ...changed }, {
    startedAt: "2026-01-01T00:00:00Z",
    by: { machine: "2 cores" },
    load: "open loop",
    targets: ["http://127.0.0.1:1"],
  });
}

Deno.test("resultOf: has counts, rates, percentiles and places of the total and of each kind", () => {
  const { total, kinds, seconds } = sample();
  assert.equal(seconds, 10);
  assert.deepEqual([total.due, total.ok, total.failed], [200, 190, 10]);
  assert.deepEqual(total.outcomes, { ok: 190, NODE_SATURATED: 10 });
  assert.equal(kinds[0]!.due + kinds[1]!.due, 200);
  assert.equal(total.offeredRate, 20);
  assert.ok(Math.abs(total.rate - 19) < 0.5);
  assert.equal(total.responseMs!.count, 190);
  assert.ok(Math.abs(total.responseMs!.p50 - 60) < 2, `${total.responseMs!.p50}`);
  assert.equal(total.responseMs!.max, 109);
  // 10 to 50 ms of 10, 12, ... 108: 21 of each 50, the first of each 10 refused.
  assert.ok(kinds[0]!.withinLimit! > 0.3 && kinds[0]!.withinLimit! < 0.42);
  assert.equal(kinds[1]!.withinLimit, undefined);
  assert.equal(total.server!.initMs.shared!.count, 3);
  assert.deepEqual(total.server!.where.map(({ node }) => node), ["edge-1", "cloud-1"]);
  assert.deepEqual(total.curve.at(-1), { ms: 109, share: 1 });
});

Deno.test("resultOf: reports why the generator may have been the limit", () => {
  assert.deepEqual(sample().generator.limits, []);
  assert.match(sample({ cpuShare: 0.97 }).generator.limits.join(), /97 % of a core/);
  assert.match(sample({ lacksConnections: true }).generator.limits.join(), /--connections 1024/);
  const html = formatHtml(sample({ cpuShare: 0.97 }));
  assert.match(html, /generator, not the target, may have been the limit/);
});

Deno.test("resultOf: has zeros for a run stopped in the warm-up", () => {
  const result = sample({ endMs: 500, isInterrupted: true, cutOff: 2 });
  assert.deepEqual([result.seconds, result.total.rate], [0, 0]);
  assert.match(formatHtml(result), /Stopped early with 2 requests/);
});

Deno.test("formatHtml: is self-contained and escapes names", () => {
  const html = formatHtml(sample());
  assert.doesNotMatch(html, /<(script|link|img|iframe)|src=|href=|url\(|@import/i);
  assert.doesNotMatch(html, /<b>|NaN|undefined|Infinity/);
  assert.match(html, /&lt;b&gt;/);
  assert.equal(html.match(/<svg /g)!.length, 2);
  for (const text of ["requests/s", "response time, ms", "percentile, %", "time, s", "edge-1"]) {
    assert.ok(html.includes(text), text);
  }
});

Deno.test("formatCsv: has a row per slice and kind that add up to the run", () => {
  const result = sample();
  const [head, ...lines] = formatCsv(result).trimEnd().split("\n");
  assert.equal(head, "time_s,seconds,function,class,due,ok,failed,p50_ms,p90_ms,p99_ms");
  const columns = lines.map((line) => line.replace('"<b>""x,y""</b>"', "strange").split(","));
  assert.ok(columns.every(({ length }) => length === 10));
  assert.equal(columns.reduce((sum, cells) => sum + Number(cells[4]), 0), 200);
  assert.equal(columns.reduce((sum, cells) => sum + Number(cells[5]), 0), 190);
  assert.ok(columns.flat().every((cell) => cell.length < 12), "numbers are rounded");
  assert.deepEqual(columns[3]!.slice(0, 2), ["0.6", "0.2"]);
  assert.deepEqual(new Set(columns.map((cells) => cells[3])), new Set(["critical", "strange"]));
});

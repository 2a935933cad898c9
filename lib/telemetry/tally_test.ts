import assert from "node:assert/strict";
import { Counter, Histogram, Registry } from "prom-client";
import { TallyCounter, TallyHistogram } from "./tally.ts";

/** What each registry renders, line by line in any order. */
async function lines(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split("\n").filter((line) => line !== "").sort();
}

Deno.test("a counter renders as prom-client's own", async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const labelNames = ["class", "place", "in_time"];
  const options = { name: "requests_total", help: "Requests", labelNames };
  const tally = new TallyCounter({ ...options, registry: ours });
  const counter = new Counter({ ...options, registers: [theirs] });
  assert.deepEqual(await lines(ours), await lines(theirs));
  for (
    const [name, place, inTime] of [
      ["a", "local", "true"],
      ["a", "local", "false"],
      ['b "quoted"', "cloud", "true"],
      ["a", "local", "true"],
    ] as const
  ) {
    tally.inc(name, place, inTime);
    counter.inc({ class: name, place, in_time: inTime });
  }
  assert.deepEqual(await lines(ours), await lines(theirs));
  assert.ok((await lines(ours)).some((line) => line.endsWith(" 2")));
});

Deno.test("a histogram renders as prom-client's own, with labels and without", async () => {
  for (const labelNames of [[], ["function"]]) {
    const [ours, theirs] = [new Registry(), new Registry()];
    const options = { name: "seconds", help: "Time", labelNames, buckets: [0.1, 1, 10] };
    const tally = new TallyHistogram({ ...options, registry: ours });
    const histogram = new Histogram({ ...options, registers: [theirs] });
    assert.deepEqual(await lines(ours), await lines(theirs));
    for (const [name, value] of [["f", 0.1], ["g", 0.11], ["f", 7], ["f", 11], ["f", 0]] as const) {
      tally.observe(value, ...labelNames.map(() => name));
      histogram.observe(Object.fromEntries(labelNames.map((label) => [label, name])), value);
    }
    assert.deepEqual(await lines(ours), await lines(theirs));
  }
});

Deno.test("series of a label's value are forgotten, others stay", async () => {
  const registry = new Registry();
  const counter = new TallyCounter({
    name: "requests_total",
    help: "Requests",
    labelNames: ["area", "function", "outcome"],
    registry,
  });
  const histogram = new TallyHistogram({
    name: "seconds",
    help: "Time",
    labelNames: ["function"],
    buckets: [1],
    registry,
  });
  for (const area of ["here", "there"]) {
    for (const name of ["gone", "stays"]) {
      counter.inc(area, name, "OK");
      counter.inc(area, name, "TIMEOUT");
      histogram.observe(0.5, name);
    }
  }
  counter.forget("function", "gone");
  histogram.forget("function", "gone");
  histogram.forget("function", "never seen");
  const text = (await lines(registry)).join("\n");
  assert.ok(!text.includes("gone"), text);
  assert.equal(text.match(/requests_total\{.*stays.*\} 1/g)?.length, 4);
  counter.inc("here", "gone", "OK");
  assert.match((await lines(registry)).join("\n"), /requests_total\{.*gone.*\} 1/);
});

import assert from "node:assert/strict";
import { type Labelled, MetricRegistry } from "./prometheus.ts";

Deno.test("MetricRegistry: renders counters with escaped label values, and zero without labels", () => {
  const registry = new MetricRegistry();
  const requests = registry.counter("requests_total", "Requests", ["class", "place"]);
  registry.counter("retries_total", "Retries");
  requests.inc("a", "local");
  requests.inc('b "quoted" \\', "line\nbreak");
  requests.inc("a", "local");
  assert.equal(
    registry.render(),
    `# HELP requests_total Requests
# TYPE requests_total counter
requests_total{class="a",place="local"} 2
requests_total{class="b \\"quoted\\" \\\\",place="line\\nbreak"} 1

# HELP retries_total Retries
# TYPE retries_total counter
retries_total 0
`,
  );
});

Deno.test("MetricRegistry: counts a histogram's values cumulatively, bounds included", () => {
  const registry = new MetricRegistry();
  const seconds = registry.histogram("seconds", "Time", [0.5, 1], ["function"]);
  for (const value of [0, 0.5, 0.75, 8]) seconds.observe(value, "f");
  assert.equal(
    registry.render(),
    `# HELP seconds Time
# TYPE seconds histogram
seconds_bucket{le="0.5",function="f"} 2
seconds_bucket{le="1",function="f"} 3
seconds_bucket{le="+Inf",function="f"} 4
seconds_sum{function="f"} 9.25
seconds_count{function="f"} 4
`,
  );
});

Deno.test("MetricRegistry: reads gauges when it is rendered", () => {
  const registry = new MetricRegistry();
  let waiting = 1;
  let byState: Labelled<number>[] = [[["idle"], 2]];
  registry.gauge("waiting", "Requests", () => waiting);
  registry.gauge("instances", "Instances", () => byState, ["state"]);
  assert.match(registry.render(), /^waiting 1$[^]*^instances\{state="idle"\} 2$/m);
  waiting = 3;
  byState = [];
  assert.match(registry.render(), /^waiting 3$[^]*^# TYPE instances gauge\n$/m);
});

Deno.test("MetricRegistry: forgets the series of a label's value, and no others", () => {
  const registry = new MetricRegistry();
  const requests = registry.counter("requests_total", "Requests", ["area", "function", "outcome"]);
  const seconds = registry.histogram("seconds", "Time", [1], ["function"]);
  const retries = registry.counter("retries_total", "Retries", ["area"]);
  for (const area of ["here", "there", "gone"]) {
    retries.inc(area);
    for (const name of ["gone", "stays"]) {
      requests.inc(area, name, "OK");
      requests.inc(area, name, "TIMEOUT");
      seconds.observe(0.5, name);
    }
  }
  registry.forget("function", "gone");
  registry.forget("function", "never seen");
  const text = registry.render();
  assert.doesNotMatch(text, /function="gone"/);
  assert.equal(text.match(/^requests_total\{.*"stays".* 1$/gm)?.length, 6);
  assert.match(text, /^retries_total\{area="gone"\} 1$/m);
  requests.inc("here", "gone", "OK");
  assert.match(registry.render(), /^requests_total\{.*"gone".*\} 1$/m);
});

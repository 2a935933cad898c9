import assert from "node:assert/strict";
import { checkMix, prepare } from "./prepare.ts";
import { readScenario, type Scenario } from "./scenario.ts";

const around = { node: "http://127.0.0.1:1323", isPlain: false };
const mix = [{ function: "hello" }];
const planOf = (scenario: Scenario, more = {}) => prepare(scenario, { ...around, ...more }).plan;
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function refused(action: () => unknown, reason: RegExp): void {
  assert.throws(action, (error: Error & { code?: string }) => {
    assert.equal(error.code, "INVALID_REQUEST", error.message);
    assert.match(error.message, reason);
    return true;
  });
}

Deno.test("prepare: plans a bounded closed loop with warm-up by default", () => {
  const { loop, ...plan } = planOf({ mix });
  assert.deepEqual(loop, { kind: "closed", clients: 8, thinkMs: 0 });
  assert.equal(plan.durationMs, 30_000);
  assert.equal(plan.warmUpMs, 2000);
  assert.equal(plan.maxRequests, 1_000_000);
  assert.equal(plan.timeoutMs, 30_000);
});

Deno.test("prepare: encodes an invocation as an API request", () => {
  const [kind] = planOf({
    mix: [{ function: "fib", params: { n: 5 }, class: "1", limit: 0.5, headers: { "X-A": "b" } }],
  }).kinds;
  const [head, body] = textOf(kind!.bytes).split("\r\n\r\n");
  assert.match(head!, /^POST \/invoke\/fib HTTP\/1\.1\r\nhost: 127\.0\.0\.1:1323\r\n/);
  assert.match(head!, /\r\nx-a: b\r\n/);
  assert.match(head!, new RegExp(`\r\ncontent-length: ${body!.length}$`));
  assert.deepEqual(JSON.parse(body!), {
    Params: { n: 5 },
    QoSClass: 1,
    QoSMaxRespT: 0.5,
    CanDoOffloading: true,
  });
  assert.equal(kind!.limitMs, 500);
  assert.ok(kind!.isInvocation);
});

Deno.test("prepare: encodes a request to a URL", () => {
  const [get, post] = planOf({
    mix: [{ url: "https://[::1]/a?b=1" }, { url: "http://h:8080/x", body: "é", method: "PUT" }],
  }).kinds;
  assert.match(textOf(get!.bytes), /^GET \/a\?b=1 HTTP\/1\.1\r\nhost: \[::1\]\r\n[^]*\r\n\r\n$/);
  assert.deepEqual(get!.origin, { hostname: "::1", port: 443, isSecure: true });
  assert.match(textOf(post!.bytes), /^PUT \/x [^]*content-length: 2\r\n\r\né$/);
  assert.equal(get!.validator, undefined);
  assert.ok(!get!.isInvocation);
});

Deno.test("prepare: plans an open loop for a rate, repeatable by seed", () => {
  const times = (scenario: Scenario) => {
    const { loop } = planOf({ mix, rate: 10, ...scenario });
    assert.ok(loop.kind === "open");
    return Array.from({ length: 20 }, () => loop.arrivals()!.at);
  };
  assert.deepEqual(times({ seed: 3 }), times({ seed: 3 }));
  assert.notDeepEqual(times({ seed: 3 }), times({ seed: 4 }));
  assert.equal(times({ arrivals: "constant" })[10], 1);
  assert.notDeepEqual(times({ arrivals: "bursty" }), times({}));
});

Deno.test("prepare: combines functions of a trace with the parameters of the mix", () => {
  const trace = [
    { at: 0, function: "fib", class: undefined },
    { at: 1, function: "hello", class: "critical" },
    { at: 2, function: undefined, class: undefined },
    { at: 3, function: "fib", class: "batch" },
    { at: 4, function: "fib", class: undefined },
  ];
  const { loop, kinds, warmUpMs } = planOf(
    { mix: [{ function: "fib", params: { n: 9 } }] },
    { trace },
  );
  assert.ok(loop.kind === "open");
  const drawn = trace.map(() => loop.arrivals()!.kind);
  assert.deepEqual(drawn, [0, 1, undefined, 2, 0]);
  assert.deepEqual(kinds.map((kind) => [kind.function, kind.class]), [
    ["fib", ""],
    ["hello", "critical"],
    ["fib", "batch"],
  ]);
  assert.match(textOf(kinds[2]!.bytes), /"n":9/);
  assert.doesNotMatch(textOf(kinds[1]!.bytes), /"n":9/);
  assert.equal(warmUpMs, 0);
});

Deno.test("prepare: runs as long as the trace, and describes what bounds leave out", () => {
  const trace = [0, 10, 99.5].map((at) => ({ at, function: "a", class: undefined }));
  const of = (scenario: Scenario) => {
    const { plan, load } = prepare({ trace: "t.csv", ...scenario }, { ...around, trace });
    return [plan.durationMs / 1000, /, without .*/.exec(load)?.[0]];
  };
  assert.deepEqual(of({}), [100, undefined]);
  assert.deepEqual(of({ warmup: 20 }), [80, undefined]);
  assert.deepEqual(of({ warmup: 200 }), [1, undefined]);
  assert.deepEqual(of({ duration: 10 }), [10, ", without its last 2 of 3 requests"]);
  assert.deepEqual(of({ requests: 1, warmup: 5 }), [95, ", without its last 1 of 3 requests"]);
  trace[2]!.at = 1e6;
  assert.deepEqual(of({}), [86_400, ", without its last 1 of 3 requests"]);
});

Deno.test("prepare: rejects invalid scenarios with advice", () => {
  refused(() => planOf({}), /There is nothing to send/);
  refused(() => planOf({ mix: [{}] }), /either a function or a URL/);
  refused(() => planOf({ mix: [{ function: "a", url: "http://h/" }] }), /either/);
  refused(() => planOf({ mix, arrivals: "poisson" }), /--rate/);
  refused(() => planOf({ mix, arrivals: "closed", rate: 5 }), /remove --rate/);
  refused(() => planOf({ mix, rate: 5, clients: 4 }), /closed loop/);
  refused(() => planOf({ mix, arrivals: "trace" }), /--trace/);
  const trace = [{ at: 0, function: "a", class: undefined }];
  refused(() => planOf({ rate: 5 }, { trace }), /remove --rate/);
  refused(() => planOf({ rate: 5, arrivals: "poisson" }, { trace }), /remove poisson/);
  refused(() => planOf({ mix, rate: 5, burst: { factor: 4 } }), /--arrivals bursty/);
  refused(() => planOf({ mix, burst: { factor: 4 } }), /--arrivals bursty/);
  refused(() => planOf({ mix: [{ url: "http://h/", params: {} }] }), /A URL has no "params"/);
  refused(() => planOf({ mix: [{ function: "a", body: "x" }] }), /A function has no "body"/);
  refused(() => planOf({ mix: [{ url: "ftp://h/" }] }), /not a URL/);
  refused(() => planOf({ mix: [{ url: "http://h/", method: "GET X" }] }), /not an HTTP method/);
  refused(() => planOf({ mix: [{ function: "a", node: "http://h/x" }] }), /HOST:PORT/);
  refused(
    () => planOf({ mix: [{ function: "a", headers: { Host: "x" } }] }),
    /sets the header/,
  );
  refused(
    () => planOf({ mix: [{ function: "a", headers: { "a b": "x" } }] }),
    /invalid character/,
  );
  refused(() => planOf({ mix: [{ function: "a", headers: { a: "x\r\ny: z" } }] }), /header "a"/);
});

Deno.test("checkMix: reports the path of an invalid request", () => {
  checkMix([{ function: "a" }, { url: "http://h/" }]);
  refused(() => checkMix([{ function: "a" }, {}]), /^mix\.1: Each request needs either/);
  refused(() => checkMix([{ url: "nonsense" }]), /^mix\.0: "nonsense" is not a URL/);
});

Deno.test("readScenario: rejects values out of bounds and unknown keys", () => {
  refused(() => readScenario({ duration: 1e6 }), /duration: must be at most 86400/);
  refused(() => readScenario({ requests: 1e9 }), /requests: must be at most/);
  refused(() => readScenario({ clients: 0 }), /clients: must be at least 1/);
  refused(() => readScenario({ rate: 0 }), /rate/);
  refused(() => readScenario({ users: 5 }), /users/);
  refused(() => readScenario({ mix: [{ function: "a", weigth: 2 }] }), /did you mean weight/);
  refused(() => readScenario({ arrivals: "often" }), /arrivals: expected one of/);
});

import assert from "node:assert/strict";
import { invocationOf, sampleReport } from "../../tests/support/fake_services.ts";
import { ManualClock } from "../base/clock.ts";
import { Departures } from "./departures.ts";

/** A request under way: its client can leave, and it can end. */
function begin(departures: Departures, name = "hello") {
  const client = new AbortController();
  const end = Promise.withResolvers<typeof sampleReport>();
  const state = { cancelled: 0 };
  const invocation = invocationOf(end.promise, () => state.cancelled++);
  const request = new Request("http://localhost/", { signal: client.signal });
  const done = departures.during(name, request, invocation);
  return {
    state,
    leave: () => client.abort(),
    async end(ResponseTime = 0.001) {
      end.resolve({ ...sampleReport, ResponseTime });
      await done;
    },
  };
}

Deno.test("a client that leaves cancels its invocation", async () => {
  const invocation = begin(new Departures(new ManualClock()));
  invocation.leave();
  assert.equal(invocation.state.cancelled, 1);
  await invocation.end();
});

Deno.test("a client that leaves after its answer cancels nothing", async () => {
  const departures = new Departures(new ManualClock());
  for (let round = 0; round < 3; round++) {
    const invocation = begin(departures);
    await invocation.end();
    invocation.leave();
    assert.equal(invocation.state.cancelled, 0);
  }
});

Deno.test("a function that was quick is watched once it is not", async () => {
  const clock = new ManualClock();
  const departures = new Departures(clock);
  await begin(departures).end();
  const slow = begin(departures);
  const other = begin(departures, "other");
  clock.advance(40);
  slow.leave();
  other.leave();
  assert.deepEqual([slow.state.cancelled, other.state.cancelled], [1, 1]);
  await slow.end();
  await other.end();
});

Deno.test("a function that was slow is watched at once", async () => {
  const clock = new ManualClock();
  const departures = new Departures(clock);
  await begin(departures).end(0.5);
  const next = begin(departures);
  next.leave();
  assert.equal(next.state.cancelled, 1);
  await next.end();
});

Deno.test("a failure is passed on", async () => {
  const departures = new Departures(new ManualClock());
  const failed = departures.during(
    "hello",
    new Request("http://localhost/"),
    invocationOf(Promise.reject(new Error("no"))),
  );
  await assert.rejects(failed, /no/);
});

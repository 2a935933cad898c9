import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import { type Grant, unlimitedGrant } from "./key.ts";
import { KeyMeter } from "./key_meter.ts";

function setUp(quotas: Partial<Grant>) {
  const grant: Grant = { ...unlimitedGrant("cam", "invoker"), ...quotas };
  const clock = new ManualClock();
  const meter = new KeyMeter(grant, clock);
  /** Begins and ends invocations; returns how many were permitted. */
  const burst = (count: number) => {
    let permitted = 0;
    for (let i = 0; i < count; i++) {
      try {
        meter.begin(64)[Symbol.dispose]();
        permitted++;
      } catch (error) {
        assert.equal((error as { code: string }).code, "QUOTA_EXCEEDED");
      }
    }
    return permitted;
  };
  return { grant, clock, meter, burst };
}

Deno.test("KeyMeter: permits a burst, and then the rate", () => {
  const { clock, burst } = setUp({ rate: 10, burst: 3 });
  assert.equal(burst(9), 3);
  clock.advance(100);
  assert.equal(burst(9), 1);
  clock.advance(10_000);
  assert.equal(burst(9), 3);
});

Deno.test("KeyMeter: without a burst, a second's worth may come at once, and always one", () => {
  assert.equal(setUp({ rate: 5 }).burst(9), 5);
  const slow = setUp({ rate: 0.1 });
  assert.equal(slow.burst(3), 1);
  slow.clock.advance(9_999);
  assert.equal(slow.burst(3), 0);
  slow.clock.advance(1);
  assert.equal(slow.burst(3), 1);
});

Deno.test("KeyMeter: says which quota is used up, and when to try again", () => {
  const { meter, burst } = setUp({ rate: 0.5 });
  assert.equal(burst(1), 1);
  assert.throws(() => meter.begin(1), {
    message: /rate quota of key "cam" on this node/,
    details: { quota: "rate", retryAfterS: 2 },
  });
});

Deno.test("KeyMeter: bounds invocations in progress, each ended once", () => {
  const { meter } = setUp({ concurrency: 2 });
  const [first] = [meter.begin(1), meter.begin(1)];
  assert.throws(() => meter.begin(1), { message: /concurrency quota/ });
  first![Symbol.dispose]();
  first![Symbol.dispose]();
  meter.begin(1);
  assert.throws(() => meter.begin(1), { message: /concurrency quota/ });
});

Deno.test("KeyMeter: bounds the memory of functions in progress", () => {
  const { meter } = setUp({ memoryMib: 256 });
  const first = meter.begin(200);
  assert.throws(() => meter.begin(57), { message: /memory quota.*200 are in use.*needs 57/ });
  meter.begin(56);
  first[Symbol.dispose]();
  meter.begin(200);
  assert.throws(() => meter.begin(257), {
    code: "FORBIDDEN",
    message: /memory quota of key "cam" \(256 MiB\).*\(257 MiB\)/,
  });
});

Deno.test("KeyMeter: a refused invocation uses up no token; new quotas keep what is in progress", () => {
  const { grant, meter } = setUp({ rate: 1, burst: 2, concurrency: 1 });
  meter.begin(1);
  assert.throws(() => meter.begin(1), { message: /concurrency/ });
  meter.grant = { ...grant, concurrency: 2 };
  meter.begin(1);
  assert.throws(() => meter.begin(1), { message: /concurrency/ });
  meter.grant = { ...grant, concurrency: 3 };
  assert.throws(() => meter.begin(1), { message: /rate/ });
});

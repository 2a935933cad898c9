import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type FakeInstance,
  fakeRecord,
  settle,
} from "../../tests/support/fakes/fake_environment.ts";
import type { Lease } from "./lease.ts";
import { keptFor, setUp } from "../../tests/support/pool_world.ts";

/** Events of a pool. The number selects the function or instance concerned. */
const happenings = [
  "lease",
  "release",
  "discard",
  "abandon",
  "start",
  "prewarm",
  "finish start",
  "fail start",
  "crash",
  "finish removal",
  "expire",
  "retire",
  "restart",
  "stand by",
  "generic ends",
  "time",
  "minutes",
  "expect",
] as const;

Deno.test("Pool: after any events and disposal, all resources are free and no instance remains", async () => {
  const step = fc.tuple(fc.constantFrom(...happenings), fc.nat(1000));
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 200, size: "max" }),
      fc.boolean(),
      fc.constantFrom(3, Infinity),
      async (steps, slow, instances) => {
        const set = setUp(500, 2, 3, instances);
        set.environment.slowRemovals = slow;
        await run(set, steps);
        set.environment.slowRemovals = false;
        const closed = set.pool[Symbol.asyncDispose]()
          .then(() => set.generics[Symbol.asyncDispose]());
        await settle();
        while (set.environment.removals.length > 0) {
          set.environment.removals.pop()!();
          await settle();
        }
        await closed;
        const { busyMemory, warmMemory, usedCpu } = set.ledger.balance;
        assert.deepEqual({ busyMemory, warmMemory, usedCpu }, {
          busyMemory: 0,
          warmMemory: 0,
          usedCpu: 0,
        });
        assert.equal(set.ledger.freeInstances, instances);
        assert.equal(set.environment.memoryMib, 0);
        assert.equal(set.observed.running, 0, "each lease was observed to begin and to end");
      },
    ),
    { numRuns: 150, seed: 42 },
  );
});

async function run(
  set: ReturnType<typeof setUp>,
  steps: (readonly [(typeof happenings)[number], number])[],
): Promise<void> {
  const { environment, pool, clock } = set;
  const versions = new Map<number, number>();
  const leases: Lease[] = [];
  const record = (n: number) => {
    const which = n % 4;
    return fakeRecord({
      name: `f${which}`,
      version: `f${which}-${versions.get(which) ?? 0}`,
      memoryMib: 60 + 70 * which,
      cpu: which / 3,
      maxConcurrency: which === 3 ? 3 : 1,
      minInstances: which === 2 ? 1 : 0,
    });
  };
  const pick = <T>(list: T[], n: number): T | undefined => list.splice(n % list.length, 1)[0];
  for (const [what, n] of steps) {
    switch (what) {
      case "lease": {
        const lease = pool.tryLease(record(n));
        if (lease) leases.push(lease);
        break;
      }
      case "release":
        pick(leases, n)?.release();
        break;
      case "discard":
        pick(leases, n)?.discard();
        break;
      case "abandon":
        pick(leases, n)?.abandon();
        break;
      case "start":
        pool.tryStart(record(n));
        break;
      case "prewarm":
        pool.prewarm(record(n), 1 + n % 3).catch(() => {});
        break;
      case "finish start":
        environment.finishStart();
        break;
      case "fail start":
        environment.failStart();
        break;
      case "crash":
        (environment.living[n % Math.max(1, environment.living.length)] as FakeInstance | undefined)
          ?.crash();
        break;
      case "finish removal":
        environment.removals.shift()?.();
        break;
      case "expire":
        pool.expire(n % 2 ? keptFor(n) : (name) => set.keepAlive.windows(name));
        break;
      case "retire":
        pool.retire(record(n).version);
        versions.set(n % 4, (versions.get(n % 4) ?? 0) + 1);
        break;
      case "restart":
        pool.restart(record(n).version);
        break;
      case "stand by":
        void set.standBy(30 + n % 50);
        break;
      case "generic ends":
        pick([...environment.generics], n)?.end();
        break;
      case "time":
        clock.advance(n);
        break;
      case "minutes":
        clock.advance((n % 4) * 60_000);
        break;
      case "expect":
        for (const due of set.idleTimes.takePreWarmsDue(2)) {
          pool.prewarm(due, 1, { expected: true }).catch(() => {});
        }
    }
    if (n % 2 === 0) await settle();
    const { totalMemory } = set.ledger.balance;
    assert(environment.memoryMib <= totalMemory, `${environment.memoryMib} MiB exist`);
  }
  for (const lease of leases) lease.release();
}

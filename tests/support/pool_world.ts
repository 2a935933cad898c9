/**
 * A pool with its ledger, clock and fake environment.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FakeEnvironment, fakeRecord, settle } from "./fakes/fake_environment.ts";
import { ManualClock } from "../../lib/base/clock.ts";
import type { FunctionRecord } from "../../lib/model/function.ts";
import { HistogramKeepAlive } from "../../lib/pool/keep_alive/histogram_keep_alive.ts";
import { fixedKeepAlive } from "../../lib/pool/keep_alive/keep_alive.ts";
import { ResourceLedger } from "../../lib/pool/resource_ledger.ts";
import { Pool } from "../../lib/pool/pool.ts";
import { IdleTimes } from "../../lib/pool/keep_alive/idle_times.ts";
import { GenericInstances } from "../../lib/pool/generic_instances.ts";
import type { UsageObserver } from "../../lib/pool/observers.ts";

/** Windows of a fixed keep-alive time. */
export const keptFor = (ms: number) => fixedKeepAlive(ms).windows;

/** A pool over a fake environment. */
export function setUp(memoryMib = 1000, cpu = 4, parallelStarts = 4, instances = Infinity) {
  const environment = new FakeEnvironment();
  const clock = new ManualClock();
  const ledger = new ResourceLedger({ memoryMib, cpu, instances });
  const keepAlive = new HistogramKeepAlive(1000);
  const idleTimes = new IdleTimes(keepAlive, clock);
  /** Calls under way, as they are observed. */
  const observed = { running: 0, most: 0 };
  const usage: UsageObserver = {
    startRequested: (record) => idleTimes.startRequested(record),
    callStarted(record) {
      observed.most = Math.max(observed.most, ++observed.running);
      idleTimes.callStarted(record);
    },
    callEnded(record) {
      observed.running--;
      idleTimes.callEnded(record);
    },
  };
  const generics = new GenericInstances({ environment, ledger, clock });
  const pool = new Pool({
    ledger,
    environment: () => environment,
    clock,
    parallelStarts,
    usage,
    generics,
  });
  /** Has a generic instance of that size started. */
  const standBy = async (memoryMib: number) => {
    const id = `g${memoryMib}`;
    environment.genericKind = { place: "container", id, memoryMib, count: 1 };
    generics.changed(`user of ${id}`, fakeRecord({ memoryMib: 1000 }));
    await generics.filled();
  };
  return { environment, clock, ledger, generics, pool, standBy, keepAlive, idleTimes, observed };
}

/** Pre-warms instances. */
export async function warm(
  { environment, pool }: ReturnType<typeof setUp>,
  record: FunctionRecord,
  count = 1,
): Promise<void> {
  const prewarmed = pool.prewarm(record, count);
  await settle();
  while (environment.starts.length > 0) {
    environment.finishStart();
    await settle();
  }
  assert.equal(await prewarmed, count);
}

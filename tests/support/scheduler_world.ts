/**
 * A scheduler with its pool, clock and fake environment.
 *
 * @module
 */

import { FakeEnvironment, fakeRecord, settle } from "./fakes/fake_environment.ts";
import { defaultPolicy } from "../../policies/default.ts";
import { noPeers } from "../../lib/cluster/peers/no_peers.ts";
import { ManualClock } from "../../lib/base/clock.ts";
import { Deadlines } from "../../lib/base/deadlines.ts";
import type { ServerledgeError } from "../../lib/base/errors.ts";
import { defaultRequest, type InvokeRequest } from "../../lib/model/invocation.ts";
import { QosClasses } from "../../lib/model/qos.ts";
import { ResourceLedger } from "../../lib/pool/resource_ledger.ts";
import { Pool } from "../../lib/pool/pool.ts";
import type { InvocationOutcome } from "../../lib/scheduler/observer.ts";
import { Scheduler } from "../../lib/scheduler/scheduler.ts";

/** A scheduler without peers over a fake environment. */
export function setUp(
  {
    memory = 1000,
    parallelStarts = 4,
    queueCapacity = 100,
    record = fakeRecord(),
    supports = (): boolean => true,
  } = {},
) {
  const environment = new FakeEnvironment();
  const clock = new ManualClock();
  const ledger = new ResourceLedger({ memoryMib: memory, cpu: 4 });
  const pool = new Pool({ ledger, environment: () => environment, clock, parallelStarts });
  const functions = new Map([[record.name, record]]);
  const ends: InvocationOutcome[] = [];
  const wrote: string[] = [];
  const scheduler = new Scheduler({
    node: { id: "n", area: "A" },
    clock,
    deadlines: new Deadlines(clock),
    policy: defaultPolicy({ random: () => 0, now: () => clock.now(), settings: {} }),
    pool,
    ledger,
    peers: noPeers,
    classes: new QosClasses([]),
    maxHops: 1,
    find: (name) => functions.get(name),
    supports,
    keepsLargeIntegers: () => true,
    queueCapacity,
    defaultTimeoutMs: 60_000,
    observer: {
      completed: (end) => ends.push(end),
      interrupted: (_name, _id, traceback) => wrote.push(traceback),
    },
  });
  const submit = (request: Partial<InvokeRequest> = {}, name = record.name) => {
    const invocation = scheduler.submit(name, { ...defaultRequest, ...request });
    invocation.done.catch(() => {});
    return invocation;
  };
  return { environment, clock, ledger, pool, functions, scheduler, submit, ends, wrote, record };
}

/** How an invocation ended: `OK`, or the code of its error. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => "OK", (error: ServerledgeError) => error.code);

/** Finishes all starts, those that follow included. */
export async function finishStarts({ environment }: ReturnType<typeof setUp>): Promise<void> {
  await settle();
  while (environment.starts.length > 0) {
    environment.finishStart();
    await settle();
  }
}

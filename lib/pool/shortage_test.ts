import assert from "node:assert/strict";
import { type Shortage, shortageInWords, shortageOf } from "./shortage.ts";

const supply = {
  balance: {
    totalMemory: 1024,
    busyMemory: 960,
    warmMemory: 32,
    totalCpu: 2,
    usedCpu: 1.7,
    totalInstances: 9,
  },
  reclaimableMemory: 64,
  reclaimableInstances: 2,
};

function said(shortage: Shortage | undefined): string | undefined {
  return shortage && shortageInWords(shortage, { name: "f", maxConcurrency: 1 });
}

Deno.test("shortageInWords: memory, names demand, free memory, option and key", () => {
  assert.equal(
    said(shortageOf({ memoryMib: 128, cpu: 0 }, 1, supply)),
    'one more instance of "f" would need 128 MiB of memory (MemoryMB), ' +
      "but only 64 of 1024 are free (container.pool.memory)",
  );
  assert.match(said(shortageOf({ memoryMib: 32, cpu: 0 }, 3, supply))!, /^3 more .* 96 MiB/);
});

Deno.test("shortageInWords: CPU, names demand, free CPU, option and key", () => {
  assert.equal(
    said(shortageOf({ memoryMib: 64, cpu: 0.5 }, 1, supply)),
    'one more instance of "f" would need 0.5 CPUs (CPUDemand), ' +
      "but only 0.3 of 2 are free (container.pool.cpus)",
  );
});

Deno.test("shortageOf: demand equal to what is free, finds no shortage", () => {
  assert.equal(shortageOf({ memoryMib: 64, cpu: 0.3 }, 1, supply), undefined);
});

Deno.test("shortageInWords: slots, says how many there are and what adds to them", () => {
  assert.match(
    said({ lacks: "slots", slots: 2, starting: 1 })!,
    /^all 2 slots of "f" are in use \(1 of its instances are starting\); .*MaxConcurrency.*container\.starts/,
  );
});

Deno.test("shortageInWords: descriptors, says how many instances they suffice for", () => {
  assert.equal(
    said(shortageOf({ memoryMib: 1, cpu: 0 }, 3, supply)),
    '3 more instances of "f" cannot be started: the file descriptors of this process (ulimit -n) ' +
      "suffice for 9 instances, of which 2 are free",
  );
});

import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import { type AuditEntry, AuditLog } from "./audit_log.ts";

const entry: AuditEntry = {
  name: "root",
  key: "k".repeat(12),
  role: "admin",
  address: "10.0.0.9",
  method: "POST",
  route: "/create",
  target: "hello",
  status: 200,
};
const refused: AuditEntry = { ...entry, status: 403, code: "FORBIDDEN" };

function setUp() {
  const clock = new ManualClock();
  const disk = {
    path: "/data/audit.log",
    lines: [] as Record<string, unknown>[],
    isFull: false,
    append(text: string): Promise<void> {
      if (disk.isFull) return Promise.reject(new Error("No space left on device"));
      disk.lines.push(...text.trimEnd().split("\n").map((line) => JSON.parse(line)));
      return Promise.resolve();
    },
  };
  return { clock, disk, log: new AuditLog(disk, "n1", clock) };
}

/** Lets writes that need no time end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("AuditLog: a line has time, node and the fields of the entry", async () => {
  const { disk, log } = setUp();
  log.add(entry);
  log.add({ ...entry, target: 'a"\n', name: "anonymous", key: undefined, role: undefined });
  await log[Symbol.asyncDispose]();
  assert.deepEqual(disk.lines[0], { time: "1970-01-01T00:00:00.000Z", node: "n1", ...entry });
  assert.deepEqual([disk.lines[1]!.target, "key" in disk.lines[1]!], ['a"\n', false]);
});

Deno.test("AuditLog: records wait while the disk is full, and are written afterwards in order", async () => {
  const { clock, disk, log } = setUp();
  disk.isFull = true;
  for (const target of ["a", "b"]) log.add({ ...entry, target });
  clock.advance(50);
  await settle();
  assert.match(log.problems()[0]!, /cannot write \/data\/audit\.log: No space.*2 records wait, 0/);
  disk.isFull = false;
  clock.advance(1_000);
  await settle();
  assert.deepEqual(disk.lines.map(({ target }) => target), ["a", "b"]);
  assert.deepEqual(log.problems(), []);
});

Deno.test("AuditLog: lines that come during a slow write are written after it", async () => {
  const { clock, disk, log } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  const { append } = disk;
  disk.append = (text) => promise.then(() => append(text));
  for (const target of ["a", "b"]) {
    log.add({ ...entry, target });
    clock.advance(50);
  }
  resolve();
  await settle();
  log.add({ ...entry, target: "c" });
  clock.advance(50);
  await settle();
  assert.deepEqual(disk.lines.map(({ target }) => target), ["a", "b", "c"]);
});

Deno.test("AuditLog: waiting records are bounded, and lost ones counted", async () => {
  const { clock, disk, log } = setUp();
  disk.isFull = true;
  const large = { ...entry, target: "x".repeat(1000) };
  for (let i = 0; i < 800; i++) log.add(large);
  clock.advance(50);
  await settle();
  assert.equal(log.lost, 0);
  for (let i = 0; i < 800; i++) log.add(large);
  const { lost } = log;
  assert(lost > 650 && lost < 800, String(lost));
  disk.isFull = false;
  await log[Symbol.asyncDispose]();
  assert.equal(disk.lines.length, 1600 - lost);
});

Deno.test("AuditLog: many refused requests are summed up, and do not keep out others", async () => {
  const { clock, disk, log } = setUp();
  for (let i = 0; i < 50; i++) log.add(refused);
  log.add(entry);
  clock.advance(10_000);
  clock.advance(50);
  await settle();
  assert.equal(disk.lines.filter(({ code }) => code === "FORBIDDEN").length, 20);
  assert.deepEqual(disk.lines.slice(20).map(({ status, omitted }) => status ?? omitted), [200, 30]);
});
